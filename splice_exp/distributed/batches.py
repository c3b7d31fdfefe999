"""What is computed batch by batch, and which batches are for this process of this job.

Batch b goes to process b mod P of P processes, by its number among all batches and not among those that are missing, so
processes need not agree on what is missing. Nothing is padded, and no row is computed twice.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, Sampler

from splice_exp.core.errors import SpliceError, require_integer
from splice_exp.distributed.shards import Shards

Rows = Mapping[str, Mapping[str, Tensor]]  # of each store, the tensors of a batch


class RowSource(Dataset[tuple[tuple[int, int], Any]]):
    """Samples of a computation, batch by batch.

    Args:
        batches: Rows of each batch; set by `compute`.
    """

    batches: Sequence[range] = ()

    @abstractmethod
    def load(self, rows: range) -> Any:
        """Return the inputs of some rows, ready for the device; called in the processes that load."""

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, number: int) -> tuple[tuple[int, int], Any]:
        rows = self.batches[number]
        return (rows.start, rows.stop), self.load(rows)


class RowModule(nn.Module):
    """A computation on batches of rows."""

    @abstractmethod
    def rows(self, inputs: Any) -> Rows:
        """Return, for each store, the tensors of a batch."""


@dataclass(frozen=True)
class Share:
    """The part of the batches that is for this job, where several jobs fill the same cache without knowing each other.

    Args:
        index: Which of the jobs this is, from 0 on.
        count: How many there are; 1: this job computes all that is missing.
    """

    index: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        require_integer("shard.count", self.count, 1)
        require_integer("shard.index", self.index, 0)
        if self.index >= self.count:
            raise SpliceError(f"shard.index is {self.index}, but must be less than shard.count, which is {self.count}.")


class Dealt(Sampler[int]):
    """The indices of the batches for this process of this job.

    Args:
        batches: Rows of all batches.
        batch_size: Rows of a full batch; a batch goes by its first row to one of the processes.
        share: The part that is for this job.
    """

    def __init__(self, batches: Sequence[range], batch_size: int, share: Share) -> None:
        self._batches, self._batch_size, self._share = batches, batch_size, share

    def __iter__(self) -> Iterator[int]:
        distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
        rank, world = (torch.distributed.get_rank(), torch.distributed.get_world_size()) if distributed else (0, 1)
        numbers = (rows.start // self._batch_size for rows in self._batches)
        mine = self._share.index * world + rank
        return (place for place, number in enumerate(numbers) if number % (self._share.count * world) == mine)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def write(stores: Mapping[str, Shards], rows: range, computed: Rows) -> None:
    """Write a batch, each part of it into its store.

    Args:
        stores: Where rows go.
        rows: Of the batch.
        computed: Tensors of the batch, of each store by its name.
    """
    for name, tensors in computed.items():
        stores[name].write(rows, tensors)
