"""What one model and one dictionary do when one thing is changed in an image, beside what another pair asks.

Δ = codes of the second image − codes of the first        null: Δ judged by what changes in another pair of the kind
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from splice_exp.core.statistics.intervals import rank_correlation
from splice_exp.core.truth import GroundTruth
from splice_exp.data.counterfactuals.pairs import Change
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.measures.meanings import Meanings, as_matrix
from splice_exp.evaluation.measures.recovery import pooled
from splice_exp.evaluation.measures.responses import Expected, expected, others_of_group, respond


@dataclass(frozen=True, eq=False)
class Responded:
    """Responses to p pairs.

    Attributes:
        own: Measures of each pair, by name, each (p,).
        null: The same, judged against the change of another pair.
        asked: What the pairs ask.
        meanings: What each atom is about.
    """

    own: dict[str, np.ndarray]
    null: dict[str, np.ndarray]
    asked: Expected
    meanings: Meanings


def respond_to(study: Study, truth: GroundTruth, pairs: Sequence[Change], meanings: Meanings, seed: int) -> Responded:
    """Measure the responses of codes and embeddings to each pair.

    Args:
        study: Of both images of all pairs.
        truth: Of its samples.
        pairs: By the rows of its embeddings.
        meanings: What each atom of its dictionary is about.
        seed: Of the other pairs that are the null.

    Returns:
        The measures of each pair, beside those judged by another pair of the same kind.
    """
    before, after = ([getattr(one, side) for one in pairs] for side in ("before", "after"))
    asked = expected(meanings, truth, before, after)
    codes, atoms = study.decomposition.codes, study.dictionary.atoms.double()
    first, second = (codes.select(torch.tensor(side)) for side in (before, after))
    targets = study.targets.double()
    moved = (targets[after] - targets[before]).numpy()
    rebuilt = (second @ atoms - first @ atoms).numpy()
    size = np.asarray(abs(as_matrix(second) - as_matrix(first)).sum(axis=1)).ravel()
    others = others_of_group(np.array([pair.kind for pair in pairs]), seed)
    lengths = np.linalg.norm(moved, axis=1)
    own, null = (
        {
            **_shares(respond(first, second, one)),
            "magnitude": rank_correlation(size[order], lengths),
            "explained": 1 - pooled(np.square(moved - rebuilt[order]).sum(axis=1), lengths**2),
        }
        for one, order in ((asked, np.arange(len(pairs))), (asked.select(others), others))
    )
    del null["silent"]
    own["l0"] = (first.l0() + second.l0()).double().numpy() / 2
    return Responded(own, null, asked, meanings)


def _shares(responses: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the measures of pairs, with one share of false responses in place of the two counts."""
    flips, false = responses.pop("flips"), responses.pop("false_flips")
    return {**responses, "false": pooled(false, flips)}
