"""How alike two codes of the same sample are: by their values, and by which concepts are active.

cosine = ⟨v, w⟩ / (‖v‖ ‖w‖)      shared = |S ∩ T| / |S ∪ T|      kept = |S ∩ T| / |S|      S, T: the two supports
"""

from __future__ import annotations

import numpy as np
import torch

from splice_exp.core.codes import Codes
from splice_exp.core.measures import Measure, Unit, beside


def likeness_measures(family: str, other: str) -> tuple[Measure, ...]:
    """Declare the measures of `likeness`, each beside its null.

    Args:
        family: First part of their names.
        other: What the null compares with.
    """
    units = {
        "cosine": ("cosine of codes", Unit.COSINE),
        "shared": ("Jaccard overlap", Unit.SHARE),
        "kept": ("support recall", Unit.SHARE),
        "top_shared": ("largest concept shared", Unit.SHARE),
    }
    return tuple(
        one
        for name, (heading, unit) in units.items()
        for one in beside(Measure(f"{family}/{name}", heading, unit, True), null=f"{heading}, {other}")
    )


def likeness(first: Codes, second: Codes) -> dict[str, np.ndarray]:
    """Compare codes row by row, over the same concepts; each measure is (n,), and 0 where a row is empty.

    `top_shared`: whether the largest code of the second is active in the first.

    Args:
        first: n rows, those of images for example.
        second: n rows that are compared with them.

    Returns:
        `cosine`; `shared`, the Jaccard overlap of the supports; `kept`, the share of the first support that is in the
        second; and `top_shared`.
    """
    if first.concepts != second.concepts or len(first) != len(second):
        raise ValueError("codes over different concepts, or of different samples, cannot be compared")
    n, k = len(first), first.num_concepts
    places = [codes.rows * k + codes.indices for codes in (first, second)]
    values = [codes.values.double() for codes in (first, second)]
    common = torch.isin(places[1], places[0])
    at = torch.searchsorted(places[0], places[1][common])
    inner = torch.zeros(n, dtype=torch.float64)
    inner.index_add_(0, second.rows[common], values[0][at] * values[1][common])
    norms = [
        torch.zeros(n, dtype=torch.float64).index_add_(0, codes.rows, of.square()).sqrt()
        for codes, of in zip((first, second), values, strict=True)
    ]
    both = torch.bincount(second.rows[common], minlength=n)
    either = first.l0() + second.l0() - both
    in_first = dict(enumerate(first.top(k)))
    top = [
        bool(named) and named[0][0] in {concept for concept, _ in in_first[row]}
        for row, named in enumerate(second.top(1))
    ]
    return {
        "cosine": (inner / (norms[0] * norms[1]).clamp(min=1e-300)).numpy(),
        "shared": (both / either.clamp(min=1)).double().numpy(),
        "kept": (both / first.l0().clamp(min=1)).double().numpy(),
        "top_shared": np.array(top, dtype=float),
    }
