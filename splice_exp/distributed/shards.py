"""Rows 0 … n − 1 of a computation in files of consecutive rows: a file is whole or not there, a row is there once.

    directory/000000000-000000256.safetensors   tensors of rows 0 … 255; key, rows and checksum in its header
    directory/manifest.json                     the key in words, n, the checksum of each shard; written last

Which process computed a shard leaves no trace in it. Shards are judged by their own headers: processes that compute the
same rows may replace each other's, on other processors with other last bits. The manifest is for those who copy them.
"""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from splice_exp.core.errors import SpliceError, shown
from splice_exp.core.io import atomic, digest, read_json, write_json, writing
from splice_exp.core.runs.temporaries import remove_leftovers

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"
NAME = re.compile(r"(\d{9,})-(\d{9,})\.safetensors")
HEADER = "shard"
FORMAT = 2  # of headers; those of others lie in other folders
REPAIR = "set repair=true to compute it again"


def checksum(tensors: Mapping[str, Tensor]) -> str:
    """Digest names, types, shapes and bytes."""
    content = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        content.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        content.update(tensor.contiguous().view(-1).view(torch.uint8).numpy().data)
    return content.hexdigest()


def cut(rows: range, batch_size: int) -> Iterator[range]:
    """Cut rows at multiples of the batch size, so that what is resumed is cut as what was not disturbed.

    Args:
        rows: Any range of step 1.
        batch_size: Rows of a part, at most.

    Returns:
        Parts of `rows`, in their order.

    Example:
        >>> list(cut(range(3, 9), batch_size=4))
        [range(3, 4), range(4, 8), range(8, 9)]
    """
    start = rows.start
    while start < rows.stop:
        stop = min(rows.stop, (start // batch_size + 1) * batch_size)
        yield range(start, stop)
        start = stop


def _set_folder_aside(path: Path) -> None:
    """Give a folder another name that has the name of a file of ours; nothing of ours is in it."""
    if path.is_dir():
        aside = path.rename(path.with_name(f"{path.name}.folder-{uuid.uuid4().hex[:8]}"))
        log.warning("%s is no file, and is called %s from now on", path, aside.name)


@dataclass(frozen=True)
class Shards:
    """The shards of one computation.

    Args:
        directory: Theirs alone; made when the first one is written.
        key: What decides the rows, as JSON: two computations of the same key have the same rows.
        num_rows: n.
    """

    directory: Path
    key: Mapping[str, Any]
    num_rows: int

    @classmethod
    def keyed(cls, parent: Path, key: Mapping[str, Any], num_rows: int) -> Shards:
        """Return the shards of a key, in a folder named by it.

        Args:
            parent: Folder of all computations of this kind.
            key: What decides the rows, as JSON.
            num_rows: n.
        """
        return cls(parent / digest([FORMAT, key]), key, num_rows)

    def missing(self, batch_size: int) -> list[range]:
        """Return the rows that no shard holds, in batches."""
        batches: list[range] = []
        covered = 0
        for rows in [*self._chosen(), range(self.num_rows, self.num_rows)]:
            batches += cut(range(covered, rows.start), batch_size)
            covered = rows.stop
        return batches

    def write(self, rows: range, tensors: Mapping[str, Tensor]) -> None:
        """Write a shard, atomically.

        Args:
            rows: The rows it holds.
            tensors: Anything that belongs to them.
        """
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        _set_folder_aside(self._path(rows))
        with atomic(self._path(rows)) as temporary:
            # One entry, because the order of several in the file would be left to chance.
            save_file(tensors, temporary, {HEADER: f"{digest(self.key)} {self._path(rows).stem} {checksum(tensors)}"})

    def seal(self) -> None:
        """Note all shards in the manifest, if each row is in one of them.

        Raises:
            SpliceError: if a shard cannot be read.
        """
        if self.missing(1):
            return
        shards = {self._path(rows).name: self._claimed_checksum(rows) for rows in self._chosen()}
        manifest = {"key": dict(self.key), "num_rows": self.num_rows, "shards": shards}
        if self._manifest() != digest(manifest):  # none yet, or shards were made again
            remove_leftovers(self.directory)
            _set_folder_aside(self.directory / MANIFEST)
            write_json(self.directory / MANIFEST, manifest)

    def _manifest(self) -> str | None:
        """Return the digest of the manifest; None if there is none that can be read."""
        try:
            return digest(read_json(self.directory / MANIFEST))
        except SpliceError:
            return None

    def read(self) -> Iterator[tuple[range, dict[str, Tensor]]]:
        """Yield all shards in order, each verified.

        Raises:
            SpliceError: naming a shard that is damaged or foreign, or rows that are missing.
        """
        missing = self.missing(self.num_rows)
        if missing:
            raise SpliceError(f"{self.directory} lacks rows {shown(missing)}: run the same command again.")
        for rows in self._chosen():
            yield rows, self._verified(rows)

    def together(self, name: str) -> Tensor:
        """Return a tensor of all rows, one for each of them; no shard stays in memory beside it.

        Args:
            name: Of the tensor.

        Raises:
            SpliceError: as `read`.
        """
        found = torch.empty(0)
        for rows, tensors in self.read():
            part = tensors[name]
            if not rows.start:
                found = part.new_empty(self.num_rows, *part.shape[1:])
            found[rows.start : rows.stop] = part
        return found

    def rows(self, rows: range) -> dict[str, Tensor]:
        """Return the tensors of some rows, out of shards that are verified.

        Raises:
            SpliceError: naming a shard that is damaged or foreign, or the rows that are missing.
        """
        found = []
        for held in self._chosen():
            start, stop = max(rows.start, held.start), min(rows.stop, held.stop)
            if start < stop:
                tensors = self._verified(held)
                found.append({name: one[start - held.start : stop - held.start] for name, one in tensors.items()})
        if not found or sum(len(next(iter(tensors.values()))) for tensors in found) != len(rows):
            raise SpliceError(f"{self.directory} lacks some of the rows {shown([rows])}: run the same command again.")
        return {name: torch.cat([tensors[name] for tensors in found]) for name in found[0]}

    def repair(self) -> list[Path]:
        """Remove shards that are damaged or foreign, so that they are missing; return their paths.

        Returns:
            The files that were removed.
        """
        damaged = [self._path(rows) for rows in self._present() if not self._is_whole(rows)]
        for path in damaged:
            with writing(path):
                path.unlink(missing_ok=True)  # another process may repair, too
        return damaged

    def remove(self) -> None:
        """Remove all of them; what needs the rows again computes them again."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _path(self, rows: range) -> Path:
        return self.directory / f"{rows.start:09d}-{rows.stop:09d}.safetensors"

    def _present(self) -> list[range]:
        """List the rows of all shards, by their first row; of those with the same one the longest first.

        Copies, as file managers and folders that synchronise make them, have other names, and are left alone.
        """
        named = [(NAME.fullmatch(path.name), path) for path in self.directory.glob("*.safetensors")]
        rows = [range(int(name[1]), int(name[2])) for name, path in named if name and path.is_file()]
        return sorted((found for found in rows if found), key=lambda found: (found.start, -found.stop))

    def _chosen(self) -> list[range]:
        """Choose shards in which no row is twice: they overlap where batches had other sizes in an earlier run."""
        chosen: list[range] = []
        for rows in self._present():
            if rows.start >= (chosen[-1].stop if chosen else 0):
                chosen.append(rows)
        return chosen

    def _claimed_checksum(self, rows: range) -> str:
        """Return the checksum in the header of a shard, if it is one of these rows of this computation."""
        path = self._path(rows)
        try:
            with safe_open(path, framework="pt") as file:
                claimed = (file.metadata() or {}).get(HEADER, "").split(" ")
        except (OSError, SafetensorError) as error:
            raise SpliceError(f"{path} is damaged ({error}): {REPAIR}.") from error
        if len(claimed) != 3 or claimed[0] != digest(self.key):
            raise SpliceError(f"{path} is of another computation than its folder: {REPAIR}.")
        if claimed[1] != path.stem:
            raise SpliceError(f"{path} holds other rows than its name says: {REPAIR}.")
        return claimed[2]

    def _verified(self, rows: range) -> dict[str, Tensor]:
        path, claimed = self._path(rows), self._claimed_checksum(rows)
        try:
            with safe_open(path, framework="pt") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        except (OSError, SafetensorError) as error:
            raise SpliceError(f"{path} is damaged ({error}): {REPAIR}.") from error
        if checksum(tensors) != claimed:
            raise SpliceError(f"{path} is damaged (its checksum is another): {REPAIR}.")
        return tensors

    def _is_whole(self, rows: range) -> bool:
        try:
            self._verified(rows)
        except SpliceError:
            return False
        return True
