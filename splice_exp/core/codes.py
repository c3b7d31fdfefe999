"""Codes: the sparse rows that a decomposition produces, never a dense (n, k) matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import embedding_bag

from splice_exp.core.code_tables import as_dataset, long_frame, names_of, wide_frame, write_parquet
from splice_exp.core.errors import require_integer
from splice_exp.core.names import Named
from splice_exp.core.text.html import html_table

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 5  # rows in a notebook


@dataclass(frozen=True, eq=False, repr=False)
class Codes(Named):
    """Sparse codes of n samples over k concepts in compressed sparse row form, in CPU memory.

    Row i has `values[indptr[i]:indptr[i+1]]` at the concepts `indices[indptr[i]:indptr[i+1]]`, which are
    ascending; no stored value is zero. One million rows with ten concepts each take 120 MB;
    dense over 10,000 concepts they would take 40 GB.

    Attributes:
        indptr: Row boundaries, (n + 1,).
        indices: Concept of each value, (nnz,).
        values: Nonzero codes, (nnz,), negative only where the solver was signed.
        num_concepts: k.
        concepts: The k names, or empty while nobody has named them (solvers see tensors only).
    """

    indptr: Int64[Tensor, " n_plus_1"]
    indices: Int64[Tensor, " nnz"]
    values: Float[Tensor, " nnz"]
    num_concepts: int
    concepts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.concepts and len(self.concepts) != self.num_concepts:
            raise ValueError(f"{len(self.concepts)} names for {self.num_concepts} concepts")
        if int(self.indptr[-1]) != len(self.indices) or len(self.indices) != len(self.values):
            raise ValueError("indptr, indices and values do not belong together")

    @classmethod
    def from_dense(cls, dense: Float[Tensor, "n k"], concepts: tuple[str, ...] = ()) -> Codes:
        """Keep the nonzero entries of a dense block.

        Args:
            dense: n rows; small enough for memory.
            concepts: The k names, or none.
        """
        dense = dense.cpu()
        rows, indices = dense.nonzero(as_tuple=True)
        counts = torch.bincount(rows, minlength=len(dense))
        indptr = torch.cat([torch.zeros(1, dtype=torch.int64), counts.cumsum(0)])
        return cls(indptr, indices, dense[rows, indices], dense.shape[1], concepts)

    @classmethod
    def from_support(cls, support: Int64[Tensor, "n s"], values: Float[Tensor, "n s"], num_concepts: int) -> Codes:
        """Keep the nonzero values on a support of each row; −1 is no concept.

        Args:
            support: Concepts of each row, in any order and each once.
            values: Their codes; where `support` is −1 they do not count.
            num_concepts: k.

        Example:
            >>> Codes.from_support(torch.tensor([[2, -1], [1, 0]]), torch.tensor([[0.5, 0.0], [1.0, 2.0]]), 3).dense()
            tensor([[0.0000, 0.0000, 0.5000],
                    [2.0000, 1.0000, 0.0000]])
        """
        order = support.argsort(dim=1, stable=True)
        support, values = support.gather(1, order), values.gather(1, order)
        kept = (support >= 0) & (values != 0)
        indptr = torch.cat([torch.zeros(1, dtype=torch.int64), kept.sum(dim=1).cumsum(0)])
        return cls(indptr, support[kept], values[kept], num_concepts)

    @classmethod
    def concatenate(cls, parts: Sequence[Codes]) -> Codes:
        """Stack the rows of several codes over the same concepts."""
        first = parts[0]
        if any((part.num_concepts, part.concepts) != (first.num_concepts, first.concepts) for part in parts):
            raise ValueError("codes over different concepts cannot be stacked")
        counts = torch.cat([part.l0() for part in parts])
        indptr = torch.cat([torch.zeros(1, dtype=torch.int64), counts.cumsum(0)])
        indices = torch.cat([part.indices for part in parts])
        values = torch.cat([part.values for part in parts])
        return cls(indptr, indices, values, first.num_concepts, first.concepts)

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def named(self, concepts: Sequence[str]) -> Codes:
        """Return the same codes with names for their concepts."""
        return replace(self, concepts=tuple(concepts))

    def l0(self) -> Int64[Tensor, " n"]:
        """Count the active concepts of each row."""
        return self.indptr.diff()

    @cached_property
    def rows(self) -> Int64[Tensor, " nnz"]:
        """Row of each value."""
        return torch.repeat_interleave(torch.arange(len(self)), self.l0())

    def _kept(self, kept: Tensor) -> Codes:
        counts = torch.bincount(self.rows[kept], minlength=len(self))
        indptr = torch.cat([torch.zeros(1, dtype=torch.int64), counts.cumsum(0)])
        return replace(self, indptr=indptr, indices=self.indices[kept], values=self.values[kept])

    def without(self, names: str | Sequence[str]) -> Codes:
        """Return the codes with the named concepts, one or several, set to zero; k does not change.

        Example:
            >>> codes = Codes.from_dense(torch.tensor([[0.5, 0.2]]), ("zebra", "grass"))
            >>> codes.without(["grass"]).dense()
            tensor([[0.5000, 0.0000]])
        """
        names = [names] if isinstance(names, str) else names
        removed = torch.tensor([self.index(name) for name in names], dtype=torch.int64)
        return self._kept(~torch.isin(self.indices, removed))

    def select(self, rows: Int64[Tensor, " m"]) -> Codes:
        """Return some rows, in the order given."""
        counts = self.l0()[rows]
        indptr = torch.cat([torch.zeros(1, dtype=torch.int64), counts.cumsum(0)])
        shift = torch.repeat_interleave(self.indptr[rows] - indptr[:-1], counts)
        positions = torch.arange(int(indptr[-1])) + shift
        return replace(self, indptr=indptr, indices=self.indices[positions], values=self.values[positions])

    def sum_of(self, names: Sequence[str]) -> Float[Tensor, " n"]:
        """Return the sum of the codes of some concepts in each row, in float64.

        Example:
            >>> codes = Codes.from_dense(torch.tensor([[0.5, 0.25], [0.0, 1.0]]), ("grass", "lawn"))
            >>> codes.sum_of(["grass", "lawn"])
            tensor([0.7500, 1.0000], dtype=torch.float64)
        """
        chosen = torch.isin(self.indices, torch.tensor([self.index(name) for name in names], dtype=torch.int64))
        total = torch.zeros(len(self), dtype=torch.float64)
        return total.index_add_(0, self.rows[chosen], self.values[chosen].double())

    def dense(self, rows: Int64[Tensor, " m"] | None = None) -> Float[Tensor, "m k"]:
        """Spell out some rows (all of them by default): only for few rows or few concepts."""
        part = self if rows is None else self.select(rows)
        dense = torch.zeros(len(part), self.num_concepts, dtype=self.values.dtype)
        dense[part.rows, part.indices] = part.values
        return dense

    def mean_by(self, labels: Int64[Tensor, " n"], num_classes: int) -> Float[Tensor, "c k"]:
        """Average the codes of each class: the concept distribution of a class; zero for an empty one.

        Args:
            labels: Class of each row, 0 … c − 1.
            num_classes: c.
        """
        total = torch.zeros(num_classes, self.num_concepts, dtype=self.values.dtype)
        total.index_put_((labels[self.rows], self.indices), self.values, accumulate=True)
        return total / torch.bincount(labels, minlength=num_classes).clamp(min=1)[:, None]

    def __repr__(self) -> str:
        active = f"{float(self.l0().double().mean()):.1f}" if len(self) else "none"
        return f"Codes({len(self)} rows over {self.num_concepts} concepts, {active} active per row)"

    def _repr_html_(self) -> str:
        first = self.select(torch.arange(min(len(self), SHOWN))).named(names_of(self)).top()
        rows = [[row, ", ".join(f"{name} {value:.2f}" for name, value in found)] for row, found in enumerate(first)]
        return html_table(repr(self), ["row", "largest codes"], rows)

    def __getitem__(self, concept: str) -> Float[Tensor, " n"]:
        """Return the code of one concept in every row; 0 where it is not active.

        Raises:
            SpliceError: if there is no such concept; the nearest names are given.

        Example:
            >>> codes = Codes.from_dense(torch.tensor([[0.5, 0.25], [0.0, 1.0]]), ("grass", "dog"))
            >>> (codes["grass"] > 0.1) & (codes["dog"] < 0.5)
            tensor([ True, False])
        """
        column = torch.zeros(len(self), dtype=self.values.dtype)
        chosen = self.indices == self.index(concept)
        column[self.rows[chosen]] = self.values[chosen]
        return column

    def to_dataframe(
        self, concepts: Sequence[str] | None = None, sample_ids: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Return a table of the codes.

        Args:
            concepts: None: one line per active concept, with columns `sample_id`, `concept` and `code`. Names: one line
                per sample, with a column for each of them, 0 where it is not active.
            sample_ids: Names of the rows; by default their numbers.

        Raises:
            SpliceError: if a concept is none of these codes.

        Example:
            >>> codes = Codes.from_dense(torch.tensor([[0.5, 0.25], [0.5, 0.0]]), ("grass", "dog"))
            >>> codes.to_dataframe(["grass", "dog"]).query("grass > .1 and dog == 0").index.tolist()
            [1]
        """
        return long_frame(self, sample_ids) if concepts is None else wide_frame(self, concepts, sample_ids)

    def to_parquet(self, path: str | Path, sample_ids: Sequence[str] | None = None) -> None:
        """Write the table of `to_dataframe`, one line per active concept, for pandas, DuckDB or Polars.

        Args:
            path: The file.
            sample_ids: Names of the rows; by default their numbers.
        """
        write_parquet(self, Path(path), sample_ids)

    def to_dataset(self, sample_ids: Sequence[str] | None = None) -> Any:
        """Return a `datasets.Dataset` with one row per sample: `sample_id`, and lists of `concepts` and `codes`."""
        return as_dataset(self, sample_ids)

    def top(self, n: int = 10) -> list[list[tuple[str, float]]]:
        """Name the n largest codes of each row, largest first; fewer where fewer are active.

        Raises:
            SpliceError: if n is negative.

        Example:
            >>> Codes.from_dense(torch.tensor([[0.1, 0.0, 0.3]]), ("grass", "sky", "zebra")).top(2)
            [[('zebra', 0.30000001192092896), ('grass', 0.10000000149011612)]]
        """
        require_integer("n", n, 0)
        named = []
        for start, stop in zip(self.indptr[:-1].tolist(), self.indptr[1:].tolist(), strict=True):
            order = torch.argsort(self.values[start:stop], descending=True, stable=True)[:n] + start
            pairs = zip(self.indices[order].tolist(), self.values[order].tolist(), strict=True)
            named.append([(self.concepts[index], value) for index, value in pairs])
        return named

    def __matmul__(self, atoms: Float[Tensor, "k d"]) -> Float[Tensor, "n d"]:
        """Compose the rows from their atoms: W D, touching only the active ones."""
        if atoms.shape[0] != self.num_concepts:
            raise ValueError(f"codes over {self.num_concepts} concepts do not fit {atoms.shape[0]} atoms")
        atoms = atoms.cpu()
        if not len(self.indices):
            return torch.zeros(len(self), atoms.shape[1], dtype=atoms.dtype)
        weights = self.values.to(atoms.dtype)
        return embedding_bag(self.indices, atoms, self.indptr[:-1], mode="sum", per_sample_weights=weights)
