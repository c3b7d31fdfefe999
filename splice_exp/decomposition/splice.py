"""SpLiCE: an image embedding, centred, as a sparse nonnegative combination of concepts; and the inverse map.

References:
    Bhalla, Oesterling, Srinivas, Calmon, Lakkaraju. Interpreting CLIP with sparse linear concept embeddings
    (SpLiCE). NeurIPS 2024.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from splice_exp.core.codes import SHOWN, Codes
from splice_exp.core.io import digest
from splice_exp.core.matrices.cosines import cosine
from splice_exp.core.tensors import tensor_digest
from splice_exp.core.text.html import html_table
from splice_exp.core.types import Dictionary, Embeddings, Solution
from splice_exp.decomposition.store import Targets, solve
from splice_exp.distributed.cache import Cache
from splice_exp.embeddings.geometry import Alignment, center, distances, uncenter
from splice_exp.solvers.base import Solver

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class Decomposition:
    """Codes of embeddings, with all that is needed to go back.

    Attributes:
        codes: Named sparse codes, n rows.
        dictionary: Atoms and names of their k concepts.
        image_mean: What was subtracted from the embeddings, (d,); zero if they were not centred.
        scale: ‖z − μ‖ of each sample, (n,).
        recompose: The inverse map, `paper` or `scaled`.
        solution: What the solver said of its answer; an intervention keeps that of the codes it started from.
        sample_ids: A name for each sample.
        images: What was decomposed, as files or PIL images, where that was images: shown beside their codes.
    """

    codes: Codes
    dictionary: Dictionary
    image_mean: Float[Tensor, " d"]
    scale: Float[Tensor, " n"]
    recompose: str
    solution: Solution
    sample_ids: tuple[str, ...] = ()
    images: tuple[Any, ...] = ()

    def __len__(self) -> int:
        return len(self.codes)

    def __repr__(self) -> str:
        about = f"{self.codes.num_concepts} concepts, {float(self.codes.l0().double().mean()):.1f} active per sample"
        return f"Decomposition({len(self)} samples over {about}; {self.solution.status.value})"

    def _repr_html_(self) -> str:
        first = self.codes.select(torch.arange(min(len(self), SHOWN))).top()
        rows = [
            [name, ", ".join(f"{concept} {value:.2f}" for concept, value in found)]
            for name, found in zip(self.sample_ids, first, strict=False)
        ]
        return html_table(repr(self), ["sample", "largest codes"], rows)

    def recompose_unnormalized(self) -> Float[Tensor, "n d"]:
        """Return m: the reconstruction before its last normalisation."""
        return uncenter(self.codes @ self.dictionary.atoms, self.image_mean, self.scale, self.recompose)

    def top(self, n: int = 10) -> list[list[tuple[str, float]]]:
        """Name the n largest codes of each sample, largest first."""
        return self.codes.top(n)

    def to_dataframe(self, concepts: Sequence[str] | None = None) -> pd.DataFrame:
        """Return `Codes.to_dataframe` with the names of the samples."""
        return self.codes.to_dataframe(concepts, self.sample_ids)

    def to_parquet(self, path: str | Path) -> None:
        """Write `Codes.to_parquet` with the names of the samples."""
        self.codes.to_parquet(path, self.sample_ids)

    def to_dataset(self) -> Any:
        """Return `Codes.to_dataset` with the names of the samples."""
        return self.codes.to_dataset(self.sample_ids)

    def plot(self, sample: int = 0, n: int = 10) -> Figure:
        """Plot the largest codes of a sample as bars, beside its image where there is one.

        Args:
            sample: Its index.
            n: How many concepts.

        Raises:
            SpliceError: if there is no such sample.
        """
        from splice_exp.decomposition.plot import plot_codes  # late: matplotlib takes a second

        return plot_codes(self, sample, n)

    def reconstruct(self) -> Float[Tensor, "n d"]:
        """Return ẑ, unit rows in the space of the embeddings; σ(μ) for a row without concepts."""
        return normalize(self.recompose_unnormalized(), dim=1)

    def cosines(
        self, embeddings: Float[Tensor, "n d"], mean: Float[Tensor, " d"] | None = None
    ) -> dict[str, Float[Tensor, " n"]]:
        """Return how near reconstructions are to what was decomposed.

            plain   cos(z, m)        centred   cos(z − μ, m − μ)        mean_only   cos(z, μ)

        m is the reconstruction before its last normalisation: m − μ is a multiple of the sum of the atoms, w D.

        Args:
            embeddings: z, unit rows, in the order of the codes.
            mean: μ; None: `image_mean`, which is zero where images were not centred.

        Returns:
            `plain`, `centred` and `mean_only`, each (n,) float64.
        """
        mean, m = self.image_mean if mean is None else mean, self.recompose_unnormalized()
        return {
            "plain": cosine(m, embeddings),
            "centred": cosine(m - mean, embeddings - mean),
            "mean_only": cosine(mean.expand_as(embeddings), embeddings),
        }

    def intervene(self, remove: str | Sequence[str] = (), set: Mapping[str, float] | None = None) -> Decomposition:
        """Return the decomposition with some concepts removed and others set to a value, by name.

        Args:
            remove: One concept or several whose codes become zero, each by its whole name: `star` leaves `red star` as
                it is (`core.names.mentioning` lists all concepts in which a word occurs).
            set: Concepts whose codes become the given value, in every row.

        Raises:
            SpliceError: if a concept is not in the dictionary.
        """
        values = {name: float(value) for name, value in (set or {}).items()}
        codes = self.codes.without([*([remove] if isinstance(remove, str) else remove), *values])
        values = {name: value for name, value in values.items() if value != 0}
        if values:
            codes = _with_constant_columns(
                codes, {self.dictionary.index(name): value for name, value in values.items()}
            )
        return replace(self, codes=codes)


def _with_constant_columns(codes: Codes, columns: Mapping[int, float]) -> Codes:
    """Add entries at columns that are empty, the same in every row."""
    added = torch.tensor(sorted(columns))
    rows = torch.cat([codes.rows, torch.arange(len(codes)).repeat_interleave(len(added))])
    indices = torch.cat([codes.indices, added.repeat(len(codes))])
    constants = torch.tensor([columns[column] for column in added.tolist()], dtype=codes.values.dtype)
    values = torch.cat([codes.values, constants.repeat(len(codes))])
    order = torch.argsort(rows * codes.num_concepts + indices)
    counts = codes.l0() + len(added)
    indptr = torch.cat([torch.zeros(1, dtype=torch.int64), counts.cumsum(0)])
    return replace(codes, indptr=indptr, indices=indices[order], values=values[order])


def decompose(
    embeddings: Embeddings,
    dictionary: Dictionary,
    solver: Solver,
    alignment: Alignment,
    image_mean: Float[Tensor, " d"],
    cache: Cache | None = None,
) -> Decomposition:
    """Centre, solve, and keep what the inverse map needs.

    Args:
        embeddings: n samples.
        dictionary: k concepts in the same space.
        solver: Any solver of the protocol.
        alignment: Whether images are centred, and the inverse map.
        image_mean: μ, from `alignment.mean_of`.
        cache: Where solutions are kept, and the machine that finds them; without one all is done here and now.

    Returns:
        The codes, with their dictionary and what reconstructions need.

    Raises:
        SpliceError: if embeddings and dictionary have different widths.
    """
    mean = image_mean if alignment.image else torch.zeros_like(image_mean)
    features = embeddings.features
    if cache is None:
        targets, scale = center(features, mean)
        solution = solver.solve(solver.prepare(dictionary.atoms), targets)
    else:
        scale = distances(features, mean)
        source = targets_id(embeddings.source_id or tensor_digest(features), mean)
        solution = solve(cache, solver, dictionary.atoms, Targets(features, mean), source)
    codes = solution.codes.named(dictionary.concepts)
    return Decomposition(codes, dictionary, mean, scale, alignment.recompose, solution, embeddings.sample_ids)


def targets_id(source_id: str, image_mean: Float[Tensor, " d"]) -> str:
    """Identify the targets that embeddings become when a mean is subtracted.

    Args:
        source_id: Identity of the embeddings.
        image_mean: μ; zero where nothing is subtracted.
    """
    return digest([source_id, tensor_digest(image_mean)])
