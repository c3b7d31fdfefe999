"""When one thing is changed in an image: do the codes of what was changed respond, rightly, and only they?

    pair of images → codes of both → Δ = second codes − first codes        judged by the difference of the two truths

What an atom is about, its name says; of atoms without names, the concept whose presence its code goes with in other
images. An untrained model is asked the same: what responds there, is not due to what a model learned.

References:
    Klotz et al. Evaluating the interpretability of sparse autoencoders with concept annotations. arXiv 2606.24716, 2026
    (pairs that differ in one attribute, many atoms per concept, untrained models; the measures here are our own, not
    their TAPAScore).
    Adebayo et al. Sanity checks for saliency maps. NeurIPS 2018 (models that have learned nothing).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from splice_exp.backbones.base import Backbone
from splice_exp.core.errors import SpliceError, require_choice, require_integer
from splice_exp.core.keys import key_of
from splice_exp.core.measures import Join, Measure, Unit, beside
from splice_exp.core.statistics.intervals import of_group
from splice_exp.core.statistics.permutation import sign_flip_level
from splice_exp.core.truth import GroundTruth
from splice_exp.data.base import DataSource
from splice_exp.data.counterfactuals.pairs import Change, CounterfactualPairs
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import CERTIFICATES, L0, NUM_SAMPLES, Evaluation, Findings, Metric, certificates
from splice_exp.evaluation.learned.pair_responses import Responded, respond_to
from splice_exp.evaluation.measures.meanings import Meanings, matched_meanings, named_meanings
from splice_exp.evaluation.measures.recovery import names_something

MEANINGS = ("auto", "names", "matched")
PARTS = {"named": "in vocabulary", "unnamed": "out of vocabulary"}


def _judged(name: str, heading: str, unit: Unit, higher_is_better: bool) -> tuple[Measure, ...]:
    """Declare a measure with its null and what an untrained model has."""
    measure = Measure(f"counterfactuals/{name}", heading, unit, higher_is_better)
    *always, untrained = beside(measure, null=f"{heading}, another pair", untrained=f"{heading}, untrained model")
    return *always, replace(untrained, optional=True)


MEASURES = (
    *_judged("direction", "right direction", Unit.SHARE, True),
    *_judged("selectivity", "selectivity", Unit.SHARE, True),
    *_judged("false", "false responses", Unit.SHARE, False),
    *_judged("magnitude", "correlation of magnitudes", Unit.COSINE, True),
    *_judged("explained", "change explained", Unit.NUMBER, True),
    Measure("counterfactuals/silent", "no response", Unit.SHARE, False),
    *(
        Measure(f"counterfactuals/{name}_level", f"p of the {heading}", Unit.MAGNITUDE, False, Join.LARGEST, True)
        for name, heading in (("direction", "direction"), ("selectivity", "selectivity"))
    ),
    *(
        Measure(f"counterfactuals/{name}_{part}", f"{heading}, {words}", Unit.SHARE, True, optional=True)
        for name, heading in (("direction", "right direction"), ("selectivity", "selectivity"))
        for part, words in PARTS.items()
    ),
    Measure("counterfactuals/direction_{kind}", "right direction, {kind}", Unit.SHARE, True, optional=True),
    Measure("counterfactuals/selectivity_{kind}", "selectivity, {kind}", Unit.SHARE, True, optional=True),
    Measure("counterfactuals/matched_atoms", "atoms about something", Unit.COUNT),
    L0,
    *CERTIFICATES,
    NUM_SAMPLES,
)
TESTED = ("direction", "selectivity")


class Counterfactuals(Evaluation):
    """Responses of codes to one change in an image; the samples are the pairs.

    `direction`: codes of what comes rise, of what goes fall; a half without a response. `selectivity`: the share of
    the change of all codes, Σ|Δ|, that is of what comes or goes. `false`: of the atoms that become active or inactive,
    those that are about what stays. `magnitude`: rank correlation of Σ|Δ| with the change of the centred embedding.
    `explained`: of the squared change of embeddings, the part that the change of w D is. Null: the response of one pair
    judged by what changes in another one of the same kind. `level`: of a permutation test of trained against untrained,
    over pairs.

    Args:
        reference: Images in which atoms without names are matched with concepts.
        untrained: A model that has learned nothing; None: the comparison is left out.
        meaning: What atoms are about: by their `names`, `matched`, or `auto`: by names where they stand for something.
        permutations: Of the test; the smallest level is one in as many.
        bootstrap_resamples: For the 95 % intervals, over pairs.
        seed: Of nulls, permutations and the bootstrap.

    Raises:
        SpliceError: naming the key of an argument that is out of bounds.
    """

    measures = MEASURES

    def __init__(
        self,
        reference: DataSource,
        untrained: Backbone | None = None,
        meaning: str = "auto",
        permutations: int = 9999,
        bootstrap_resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_choice("meaning", meaning, MEANINGS)
        require_integer("permutations", permutations, 1)
        self._reference, self._untrained = reference, untrained
        self._meaning, self._permutations = meaning, permutations

    def require(self, data: DataSource) -> None:
        if not isinstance(data, CounterfactualPairs):
            raise SpliceError(
                "evaluation=counterfactuals needs pairs of images that differ in one thing, but "
                f"{data.name} has none: set data=scenes_counterfactuals."
            )

    def evaluate(self, study: Study) -> Findings:
        """Let trained and untrained model respond, and compare.

        Raises:
            SpliceError: if the data are no pairs, or atoms are to go by names and have none.
        """
        pairs = self._pairs(study)
        kinds = np.array([pair.kind for pair in pairs])
        trained = self._responded(study, pairs)
        found = {**trained.own, **{f"{name}_null": values for name, values in trained.null.items()}}
        levels: dict[str, Metric] = {}
        if self._untrained is not None:
            untrained = self._responded(study.with_backbone(self._untrained), pairs).own
            del untrained["silent"], untrained["l0"]
            found |= {f"{name}_untrained": values for name, values in untrained.items()}
            for name in TESTED:
                differences = trained.own[name] - untrained[name]
                level = sign_flip_level(differences, self._permutations, self._seed)
                levels[f"counterfactuals/{name}_level"] = level
        l0 = found.pop("l0")
        samples = {f"counterfactuals/{name}": values for name, values in found.items()} | {"l0/mean": l0}
        for part, members in _parts(kinds, trained.asked.nameable).items():
            for name in TESTED:
                samples[f"counterfactuals/{name}_{part}"] = of_group(trained.own[name], members)
        metrics = {
            **self._summarised(samples),
            **levels,
            **certificates(study.decomposition),
            "counterfactuals/matched_atoms": sum(map(bool, trained.meanings)),
            "data/num_samples": len(pairs),
        }
        names = study.embeddings.sample_ids
        tables = {"kinds": _by_kind(kinds, found), "atoms": _by_atom(study.dictionary.concepts, trained)}
        return Findings(metrics, [f"{names[one.before]} {names[one.after]}" for one in pairs], samples, tables)

    def _pairs(self, study: Study) -> list[Change]:
        """Return the pairs by the rows of `embeddings`, as far as both of their samples are there."""
        self.require(study.data)
        assert isinstance(study.data, CounterfactualPairs)
        there = study.data.changes_among(study.places)
        if study.truth is None or len(there) < 2:
            raise SpliceError(
                f"evaluation=counterfactuals needs two or more pairs whose truth is known, but {study.data.name} has "
                f"{0 if study.truth is None else len(there)}: raise data.num_samples, or set "
                "data=scenes_counterfactuals."
            )
        return there

    def _responded(self, study: Study, pairs: Sequence[Change]) -> Responded:
        """Measure the responses of one model."""
        assert study.truth is not None
        return respond_to(study, study.truth, pairs, self._meanings(study, study.truth), self._seed)

    def _meanings(self, study: Study, truth: GroundTruth) -> Meanings:
        names = study.dictionary.concepts
        named = names_something(names, truth)
        if self._meaning == "names" and not named:
            raise SpliceError(
                f"{key_of('meaning', self)} is 'names', but the names of the atoms ({names[0]!r}, …) stand for nothing "
                f"in {study.data.name}: set {key_of('meaning', self)}=matched."
            )
        if self._meaning != "matched" and named:
            return named_meanings(names, truth)
        reference = study.with_data(self._reference)
        if reference.truth is None:
            raise SpliceError(
                f"{key_of('reference', self)} is {self._reference.name}, but must be images whose truth is known: set "
                f"data@{key_of('reference', self)}=scenes."
            )
        return matched_meanings(reference.decomposition.codes, reference.truth)


def _parts(kinds: np.ndarray, nameable: np.ndarray) -> dict[str, np.ndarray]:
    """Return which pairs are of each kind, in and out of vocabulary; parts without pairs are left out."""
    parts = {kind: kinds == kind for kind in dict.fromkeys(kinds.tolist())}
    parts |= {"named": nameable, "unnamed": ~nameable}
    return {part: members for part, members in parts.items() if members.any()}


def _by_kind(kinds: np.ndarray, found: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return one line per kind of change."""
    columns = {
        "right direction": "direction",
        "right direction, another pair": "direction_null",
        "right direction, untrained model": "direction_untrained",
        "selectivity": "selectivity",
        "selectivity, another pair": "selectivity_null",
        "selectivity, untrained model": "selectivity_untrained",
        "no response": "silent",
    }
    lines = []
    for kind in dict.fromkeys(kinds.tolist()):
        members = kinds == kind
        means = {title: float(found[name][members].mean()) for title, name in columns.items() if name in found}
        lines.append({"changed": kind, "pairs": int(members.sum()), **means})
    return pd.DataFrame(lines)


def _by_atom(names: Sequence[str], trained: Responded) -> pd.DataFrame:
    """Return one line per atom: what it is about, and how often it should change."""
    return pd.DataFrame(
        {
            "atom": names,
            "about": [" ".join(sorted(meaning)) for meaning in trained.meanings],
            "pairs that change it": (trained.asked.status != 0).sum(axis=0),
        }
    )
