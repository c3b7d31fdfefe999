"""Where rows that were computed are kept, by content, and how those that are missing are computed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from splice_exp.core.text.progress import PROGRESS
from splice_exp.distributed.batches import RowModule, RowSource, Share
from splice_exp.distributed.predict import compute
from splice_exp.distributed.shards import Shards
from splice_exp.distributed.trainer import Machine

log = logging.getLogger(__name__)


class ShareDone(Exception):  # noqa: N818  nothing went wrong
    """This job has computed its share of the rows; others are still to be computed by other jobs."""


@dataclass(frozen=True)
class Cache:
    """A folder of shards, and the machine that fills it.

    Args:
        directory: Where everything lies, each kind in its own folder.
        machine: Where rows are computed.
        share: The part of them that is for this job.
        repair: Compute shards again that are damaged, instead of stopping at them.
    """

    directory: Path
    machine: Machine = field(default_factory=Machine)
    share: Share = field(default_factory=Share)
    repair: bool = False

    def shards(self, kind: str, key: Mapping[str, Any], num_rows: int) -> Shards:
        """Return the shards of a computation.

        Args:
            kind: Folder of all computations of this kind.
            key: What decides the rows, as JSON.
            num_rows: n.
        """
        return Shards.keyed(self.directory / kind, key, num_rows)

    def fill(self, module: RowModule, source: RowSource, stores: Mapping[str, Shards], batch_size: int) -> None:
        """Compute and write all rows that some store lacks; stores have the same rows.

        Args:
            module: The computation.
            source: Its inputs.
            stores: Where its rows go, by the names that `module.rows` uses.
            batch_size: Rows computed together, and in a shard.

        Raises:
            ShareDone: if rows are missing that are for other jobs.
            Preempted: after a SIGTERM, when the batch that was being computed is written.
        """
        for shards in stores.values() if self.repair else ():
            for path in shards.repair():
                log.warning("%s was damaged, and is computed again", path)
        if not any(shards.missing(batch_size) for shards in stores.values()):
            log.info(
                "read from cache: %s",
                ", ".join(sorted({shards.directory.parent.name for shards in stores.values()})),
                extra=PROGRESS,
            )
        compute(module, source, stores, self.machine, batch_size, self.share)
        missing = max((sum(map(len, shards.missing(batch_size))) for shards in stores.values()), default=0)
        if missing and self.share.count > 1:  # else reading them says what is wrong
            raise ShareDone(
                f"this job has done its share ({self.share.index} of 0 … {self.share.count - 1}); {missing} rows are "
                "for the others. When they are done, the same command goes on from here."
            )
