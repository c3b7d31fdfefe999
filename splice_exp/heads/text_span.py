"""TextSpan: texts whose directions span most of what a head adds to the embeddings of images.

    repeat m times    j = argmax ‖C r_j‖² / ‖r_j‖²,   u = r_j / ‖r_j‖,   C ← C (I − u uᵀ),   R ← R (I − u uᵀ)

C: contributions of the head, one centred row per image; R: texts, projected onto the span of C at the start. What is
taken from C plays no part in later scores, as all r_j are orthogonal to it by then: C is left as it is.

References:
    Gandelsman, Efros, Steinhardt. Interpreting CLIP's image representation via text-based decomposition. ICLR 2024,
    arXiv 2310.05916, algorithm 1.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import normalize

NOTHING = 1e-6  # of a text's squared length: less that is left of it, is rounding


def text_span(contributions: Float[Tensor, "n e"], texts: Float[Tensor, "k e"], count: int) -> Int64[Tensor, " m"]:
    """Choose texts, the one that explains most variance first.

    Args:
        contributions: Of a head to the joint space, image by image; their mean is taken away.
        texts: Candidates, directions of the joint space.
        count: How many, at most: fewer are chosen where they, or the contributions, span less.

    Returns:
        Their indices, each once.

    Example:
        >>> text_span(torch.tensor([[3.0, 0.0], [-3.0, 1.0], [0.0, -1.0]]), torch.eye(2), 2)
        tensor([0, 1])
    """
    basis, variances = _span(contributions)
    rest = texts.double() @ basis
    smallest = NOTHING * texts.double().square().sum(dim=1)
    chosen: list[int] = []
    for _ in range(count):
        lengths = rest.square().sum(dim=1)
        scores = torch.where(lengths > smallest, (rest.square() @ variances) / lengths, -1.0)
        best = int(scores.argmax()) if len(scores) else -1
        if best < 0 or scores[best] < 0:
            break
        chosen.append(best)
        direction = normalize(rest[best], dim=0)
        rest = rest - torch.outer(rest @ direction, direction)
    return torch.tensor(chosen, dtype=torch.int64)


def explained_variance(contributions: Float[Tensor, "n e"], texts: Float[Tensor, "m e"]) -> float:
    """Return the share of the variance of contributions that lies in the span of texts.

    Args:
        contributions: Of a head to the joint space; their mean is taken away.
        texts: Directions of the joint space; of each, the part in the span of the contributions counts.

    Example:
        >>> contributions = torch.tensor([[3.0, 0.0], [-3.0, 1.0], [0.0, -1.0]])
        >>> round(explained_variance(contributions, torch.tensor([[2.0, 0.0]])), 3)
        0.9
    """
    basis, variances = _span(contributions)
    rows = texts.double() @ basis
    _, lengths, within = torch.linalg.svd(rows, full_matrices=False)
    kept = within[lengths.square() > NOTHING * lengths.square().sum()]
    return float(((kept.square() @ variances).sum() / variances.sum()).clamp(max=1)) if len(variances) else 0.0


def _span(contributions: Float[Tensor, "n e"]) -> tuple[Float[Tensor, "e r"], Float[Tensor, " r"]]:
    """Return an orthonormal basis of the span of centred rows, and their sum of squares along each of it."""
    centred = contributions.double() - contributions.double().mean(dim=0)
    _, lengths, directions = torch.linalg.svd(centred, full_matrices=False)
    kept = lengths.square() > NOTHING**2 * lengths.square().sum()
    return directions[kept].T, lengths[kept].square()
