"""What does an encoder lose against the optimum over its own atoms? Codes two ways, at one penalty.

    P(w) = ‖x − w D‖² + L ‖w‖₁         gap = P(w_encoder) − P(w_solver) = values + selection

The minimum is certified, so the gap is, too: it is at least minus the duality gap of the solver. `values` would vanish
with the best values on the support of the encoder; `selection` needs another support.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.core.codes import Codes
from splice_exp.core.errors import require_at_least
from splice_exp.core.measures import Measure, Unit
from splice_exp.decomposition.study import Study
from splice_exp.dictionaries.learned.amortisation import Amortised, amortised, refitted
from splice_exp.embeddings.geometry import center
from splice_exp.evaluation.base import CERTIFICATES, NUM_SAMPLES, Evaluation, Findings, Metric

DENSE = 0.1  # share of samples in which an atom is active that is no sparse concept

MEASURES = (
    Measure("amortisation/gap", "amortisation gap", Unit.AMOUNT, False),
    Measure("amortisation/values", "gap by values", Unit.AMOUNT, False),
    Measure("amortisation/selection", "gap by selection", Unit.AMOUNT, False),
    Measure("amortisation/suboptimal", "provably not optimal", Unit.SHARE, False),
    Measure("amortisation/unexplained_encoder", "unexplained, encoder", Unit.SHARE, False),
    Measure("amortisation/unexplained_solver", "unexplained, solver", Unit.SHARE, False),
    Measure("amortisation/refitted_encoder", "unexplained, encoder refitted", Unit.SHARE, False),
    Measure("amortisation/refitted_solver", "unexplained, solver refitted", Unit.SHARE, False),
    Measure("amortisation/l0_encoder", "L0, encoder", Unit.AVERAGE),
    Measure("amortisation/l0_solver", "L0, solver", Unit.AVERAGE),
    Measure("amortisation/penalty", "penalty of both", Unit.AMOUNT),
    Measure("amortisation/dead", "dead atoms", Unit.SHARE, False),
    Measure("amortisation/dense", "dense atoms", Unit.SHARE, False),
    Measure("amortisation/num_atoms", "atoms", Unit.COUNT),
    *CERTIFICATES,
    NUM_SAMPLES,
)


class Amortisation(Evaluation):
    """The amortisation gap of a dictionary with an encoder, relative to ‖x‖², and what both kinds of codes leave over.

    `refitted`: what is left over by the best nonnegative values on either support, at the same mean L0; not certified.
    `suboptimal`: the share of samples whose gap exceeds what the solver itself may be off by. `dead` and `dense`: atoms
    that the encoder activates in no sample, and in more than a tenth of them.

    Args:
        l1_penalty: L of both; None: that at which the solver is as sparse as the encoder, on average.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of the bootstrap.
    """

    measures = MEASURES

    def __init__(self, l1_penalty: float | None = None, bootstrap_resamples: int = 1000, seed: int = 0) -> None:
        super().__init__(bootstrap_resamples, seed)
        if l1_penalty is not None:
            require_at_least("l1_penalty", l1_penalty, 0)
        self._l1_penalty = l1_penalty

    def evaluate(self, study: Study) -> Findings:
        """Find codes two ways, and compare.

        Raises:
            SpliceError: if the dictionary has no encoder.
        """
        mean = study.image_mean if study.alignment.image else torch.zeros_like(study.image_mean)
        targets, _ = center(study.embeddings.features, mean)
        dictionary = study.dictionary
        found = amortised(dictionary, targets, self._l1_penalty)
        norm = found.targets.double().square().sum(dim=1)
        active = np.bincount(found.encoder.indices.numpy(), minlength=len(dictionary)) / len(targets)
        solution = found.solution
        samples = {
            "amortisation/gap": (found.gap / norm).numpy(),
            "amortisation/values": (found.values / norm).numpy(),
            "amortisation/selection": (found.selection / norm).numpy(),
            "amortisation/suboptimal": (found.gap > solution.duality_gap).double().numpy(),
            "amortisation/unexplained_encoder": unexplained(found, found.encoder, dictionary.atoms, norm),
            "amortisation/unexplained_solver": unexplained(found, solution.codes, dictionary.atoms, norm),
            "amortisation/refitted_encoder": (refitted(found.targets, dictionary.atoms, found.encoder) / norm).numpy(),
            "amortisation/refitted_solver": (refitted(found.targets, dictionary.atoms, solution.codes) / norm).numpy(),
            "amortisation/l0_encoder": found.encoder.l0().double().numpy(),
            "amortisation/l0_solver": solution.codes.l0().double().numpy(),
        }
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            "amortisation/penalty": found.l1_penalty,
            "amortisation/dead": float((active == 0).mean()),
            "amortisation/dense": float((active > DENSE).mean()),
            "amortisation/num_atoms": len(dictionary),
            "solver/gap_max": float(solution.duality_gap.max()),
            "solver/kkt_max": float(solution.kkt_violation.max()),
            "data/num_samples": len(targets),
        }
        atoms = pd.DataFrame({"atom": dictionary.concepts, "share of samples": active})
        return Findings(metrics, study.embeddings.sample_ids, samples, {"atoms": atoms})


def unexplained(found: Amortised, codes: Codes, atoms: Float[Tensor, "k d"], norm: Float[Tensor, " n"]) -> np.ndarray:
    """Return ‖x − w D‖² / ‖x‖² of each row.

    Args:
        found: Has the targets x, n rows.
        codes: w, by the encoder or by a solver.
        atoms: D.
        norm: ‖x‖² of each row.
    """
    left = (found.targets.double() - codes @ atoms.double()).square().sum(dim=1)
    return np.asarray((left / norm).numpy())
