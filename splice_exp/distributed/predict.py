"""Compute what shards lack: batches are assigned by number to processes, and each writes its own.

A single batch is computed here and now; for more than that, Lightning starts the processes and moves what they need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch.utils.data import Sampler

from splice_exp.distributed.batches import Dealt, RowModule, RowSource, Share, write
from splice_exp.distributed.preemption import leave_if_asked, preemptible
from splice_exp.distributed.shards import Shards
from splice_exp.distributed.trainer import Machine, launched


def compute(
    module: RowModule,
    source: RowSource,
    stores: Mapping[str, Shards],
    machine: Machine,
    batch_size: int,
    share: Share,
) -> None:
    """Compute and write all rows that some store lacks, if they are for this job.

    Args:
        module: The computation.
        source: Its inputs.
        stores: Where its rows go, by the names that `module.rows` uses; all have the same rows.
        machine: Where it runs.
        batch_size: Rows computed together, and in a shard.
        share: The part for this job.

    Raises:
        Preempted: after a SIGTERM, when the batch that was being computed is written.
    """
    lacking = [shards.missing(batch_size) for shards in stores.values()]
    batches = sorted({rows for missing in lacking for rows in missing}, key=lambda rows: (rows.start, rows.stop))
    if len(batches) == 1 and machine.is_this_process:
        _compute_here(module, source, stores, batches, Dealt(batches, batch_size, share))
    elif batches or launched():  # whoever comes late may find nothing missing, but the others wait for it
        from splice_exp.distributed.lightning_predict import predict  # late: Lightning takes seconds

        source.batches = batches
        predict(module, source, stores, machine, Dealt(batches, batch_size, share))
    for shards in stores.values():
        shards.seal()


def _compute_here(
    module: RowModule, source: RowSource, stores: Mapping[str, Shards], batches: Sequence[range], mine: Sampler[int]
) -> None:
    """Do what Lightning would: it takes longer to import than a batch takes to compute."""
    module.eval()
    with preemptible():
        for place in mine:
            with torch.inference_mode():
                computed = module.rows(source.load(batches[place]))
            write(stores, batches[place], computed)
            leave_if_asked()
