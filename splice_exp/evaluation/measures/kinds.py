"""How much of a code goes to each kind of concepts: shapes, colours, scenes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from splice_exp.core.codes import Codes
from splice_exp.core.truth import GroundTruth

OTHER = "other"


def by_kind(codes: Codes, concepts: Sequence[str], truth: GroundTruth) -> np.ndarray:
    """Return the sum of each code over the concepts of each kind, and over all others, (n, kinds + 1).

    A name of several concepts counts in equal parts.

    Args:
        codes: n rows.
        concepts: Names of the columns.
        truth: Knows what names stand for.
    """
    kinds = [*truth.kinds, OTHER]
    table = np.zeros((len(concepts), len(kinds)))
    for row, name in enumerate(concepts):
        named = truth.named(name)
        for concept in named:
            kind = truth.kind_of.get(concept, OTHER)
            table[row, kinds.index(kind if kind in kinds else OTHER)] += 1 / len(named)
    sums = np.zeros((len(codes), len(kinds)))
    np.add.at(sums, codes.rows.numpy(), codes.values.double().numpy()[:, None] * table[codes.indices.numpy()])
    return sums
