"""How near rows are to each other in direction."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cosine_similarity


def cosine(first: Float[Tensor, "n d"], second: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """Return the cosine of each pair of rows, 0 where one of them is zero.

    Args:
        first: Rows of any norm.
        second: The row that each is compared with.
    """
    return cosine_similarity(first.double(), second.double(), dim=1, eps=1e-12)
