"""Embed and decompose in one pass: codes are there as soon as their embeddings are, and nothing is read in between.

It fills the cache where `extract` and `decompose` look, so what comes after does not know of it.
"""

from __future__ import annotations

from typing import Any

from jaxtyping import Float
from torch import Tensor

from splice_exp.backbones.base import Backbone
from splice_exp.core.types import Dictionary
from splice_exp.data.base import EncodableSource
from splice_exp.decomposition.splice import targets_id
from splice_exp.decomposition.store import Solve, solution_shards
from splice_exp.distributed.batches import RowModule, Rows
from splice_exp.distributed.cache import Cache
from splice_exp.embeddings.extract import KIND, Embed, Samples, embedding_shards, source_id
from splice_exp.embeddings.geometry import directions
from splice_exp.solvers.base import Solver


class EmbedAndSolve(RowModule):
    """Batches of samples → their embeddings and the solutions of these, centred.

    Args:
        embed: Computes embeddings.
        solve: Finds codes of targets.
        image_mean: μ, subtracted from embeddings; zero where images are not centred.
    """

    def __init__(self, embed: Embed, solve: Solve, image_mean: Float[Tensor, " d"]) -> None:
        super().__init__()
        self.embed, self.solve = embed, solve
        self.register_buffer("image_mean", image_mean)

    def rows(self, inputs: Any) -> Rows:
        assert isinstance(self.image_mean, Tensor)
        embedded = self.embed.rows(inputs)
        targets = directions(embedded[KIND]["features"], self.image_mean)
        return {**embedded, **self.solve.rows(targets)}


def embed_and_solve(
    cache: Cache,
    data: EncodableSource,
    backbone: Backbone,
    dictionary: Dictionary,
    solver: Solver,
    image_mean: Float[Tensor, " d"],
) -> None:
    """Fill the cache with the embeddings of a data set and with their codes.

    Args:
        cache: What lacks rows gets them.
        data: The samples.
        backbone: Embeds them.
        dictionary: k concepts in the same space.
        solver: Any solver that looks at one row at a time.
        image_mean: What is subtracted from the embeddings; zero if they are not centred.
    """
    stores = solution_shards(
        cache, solver, dictionary.atoms, targets_id(source_id(data, backbone), image_mean), len(data)
    )
    stores[KIND] = embedding_shards(cache, data, backbone)
    module = EmbedAndSolve(Embed(backbone), Solve(solver, dictionary.atoms), image_mean)
    cache.fill(module, Samples(data, backbone), stores, cache.machine.batch_size)
