"""Do the concepts of an image belong together, and what does it cost to choose them so? COMP on images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from splice_exp.core.measures import Measure, Unit, beside
from splice_exp.core.statistics.intervals import of_group
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import Findings
from splice_exp.evaluation.splice.decomposition import SpliceEvaluation
from splice_exp.heads.coherence import coherence, coherence_of_chance

COHERENCE = beside(
    Measure("codes/coherence", "coherence", Unit.COSINE, True, optional=True), null="coherence of shuffled concepts"
)


class CoherentCodes(SpliceEvaluation):
    """What `SpliceEvaluation` measures, and the coherence of the concepts of each image.

    `codes/coherence`: mean cosine of the atoms of a code; `codes/coherence_null`: of lists of the same length, with the
    concepts of all images shuffled. Images with fewer than two concepts do not count. Codes of images that show several
    things should not be coherent throughout: fidelity and recovery say what is lost.
    """

    measures = (*SpliceEvaluation.measures, *COHERENCE)

    def evaluate(self, study: Study) -> Findings:
        """Measure everything that the data allow."""
        found = super().evaluate(study)
        codes, atoms = study.decomposition.codes, study.dictionary.atoms
        values = {
            "codes/coherence": coherence(codes, atoms).numpy(),
            "codes/coherence_null": coherence_of_chance(codes, atoms, self._seed).numpy(),
        }
        there = ~np.isnan(values["codes/coherence"])
        if not there.any():
            return found
        samples = {name: of_group(np.nan_to_num(one), there) for name, one in values.items()}
        return replace(
            found,
            metrics={**found.metrics, **self._summarised(samples)},
            samples={**found.samples, **samples},
        )
