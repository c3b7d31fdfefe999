"""Pairs of a safe and an unsafe image with their captions, listed in a table: ViSU, once its images are there.

References:
    Poppi et al. Safe-CLIP: removing NSFW concepts from vision-and-language models. ECCV 2024 (ViSU).
"""

from __future__ import annotations

from pathlib import Path

from splice_exp.core.errors import SpliceError, nearest, require_file, require_folder, require_integer, shown
from splice_exp.core.keys import key_of
from splice_exp.core.text.lines import trimmed
from splice_exp.core.text.tables import SUFFIXES, read_table
from splice_exp.data.pictures import FileSource, placed, require_files

CLASSES = ("safe", "unsafe")


class PairTable(FileSource):
    """Samples 2i and 2i + 1 are the safe and the unsafe half of line i of a table.

    If the image of one half is damaged, the whole pair is left out.

    Args:
        table: A csv, JSON or parquet file (`.csv`, `.tsv`, `.json`, `.jsonl`, `.parquet`), one line per pair.
        root: Folder that file names are relative to; by default that of the table.
        columns: Of the captions, safe and unsafe.
        file_columns: Of the image files, safe and unsafe.
        name: Short name for tables; by default that of the table.
        limit: Take only so many pairs, evenly spread.
        missing_classes: `drop` or `error`, for classes without a text in the backbone.
        exif: `upright`, to turn images as a viewer does, or `ignore`.
        damaged: `error` or `skip`, for images that cannot be read.
        white: The value that is white in images of more than 8 bits; by default the largest of their type.

    Raises:
        SpliceError: naming files, columns or lines that do not exist.
    """

    together = len(CLASSES)

    def __init__(
        self,
        table: str,
        root: str | None = None,
        columns: tuple[str, str] | list[str] = ("safe", "nsfw"),
        file_columns: tuple[str, str] | list[str] = ("safe_image", "nsfw_image"),
        name: str | None = None,
        limit: int | None = None,
        missing_classes: str = "drop",
        exif: str = "upright",
        damaged: str = "error",
        white: int | None = None,
    ) -> None:
        super().__init__(name or Path(table).stem, None, missing_classes, exif, damaged, white)
        for key, pair in (("columns", columns), ("file_columns", file_columns)):
            if len(pair) != len(CLASSES):
                raise SpliceError(f"{key_of(key)} is {list(pair)}, but must be two columns, safe and unsafe.")
        file = require_file("table", table)
        if file.suffix not in SUFFIXES:
            raise SpliceError(f"{key_of('table')} is {table!r}, but must end in one of: {', '.join(SUFFIXES)}.")
        found = read_table(file, key_of("table"))
        for column in (*columns, *file_columns):
            if column not in found.names:
                raise SpliceError(
                    f"{key_of('table')}: {table} has no column {column!r} ({nearest(column, found.names)}): set "
                    f"{key_of('columns')} to those of the captions, {key_of('file_columns')} to those of the images."
                )
        rows = list(range(len(found)))
        if limit is not None:
            require_integer("limit", limit, 1)
            count = min(limit, len(rows))
            rows = [place * len(rows) // count for place in range(count)]
        spoken = [found.column(column, key_of("columns")) for column in columns]
        files = [found.column(column, key_of("file_columns")) for column in file_columns]
        if empty := [found.lines[row] for row in rows if not all(trimmed(cells[row]) for cells in (*spoken, *files))]:
            raise SpliceError(f"data: line {shown(empty)} of {table} lacks a caption or a file.")
        folder = Path(table).parent if root is None else require_folder("root", root)
        self._root, self._files, in_turns = placed(folder, [cells[row] for row in rows for cells in files])
        require_files(f"table: {table}", self._files)
        self._captions = tuple((cells[row],) for row in rows for cells in spoken)
        # The same photograph may be the safe half of several pairs.
        ids = [f"{row // 2}:{CLASSES[row % 2]}:{file}" for row, file in enumerate(in_turns)]
        self._describe(ids, [row % 2 for row in range(len(ids))], CLASSES)

    def captions(self) -> tuple[tuple[str, ...], ...]:
        return tuple(self._captions[place] for place in self._places)
