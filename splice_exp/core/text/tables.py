"""Tables that people keep, read as they are written: every cell a text, and no text taken for a number or for nothing.

`null`, `None`, `NA` and `nan` are names, `001` is not 1. csv in UTF-8, with or without a byte order mark, its cells
parted by commas, semicolons or tabs, quoted where they hold one of these or a line end; JSON (a list of objects, or an
object of columns), a JSON object per line, and parquet.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from splice_exp.core.errors import SpliceError
from splice_exp.core.text.lines import read_text

SEPARATORS = "\t;,"  # of headings with as many of two of them, the first counts: commas are common inside of cells
SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".parquet")


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of texts; a cell with nothing in it is an empty text.

    Attributes:
        path: The file.
        names: Of the columns.
        lines: Where each row begins, from 1: its line, or its number where a file has no lines.
        read: Index of a column → its cells.
    """

    path: Path
    names: tuple[str, ...]
    lines: Sequence[int]
    read: Callable[[int], Sequence[object]]

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, name: str, key: str) -> list[str]:
        """Return the cells of a column.

        Args:
            name: One of `names`.
            key: Of the configuration, that asks for it.

        Raises:
            SpliceError: if several columns are called so, or a cell is no single value.
        """
        if self.names.count(name) > 1:
            raise SpliceError(
                f"{key} is {name!r}, but {self.path} has {self.names.count(name)} columns of that name: rename one."
            )
        cells = self.read(self.names.index(name))
        for line, cell in zip(self.lines, cells, strict=True):
            if isinstance(cell, (list, tuple, set, Mapping)) or (isinstance(cell, bytes) and not _is_text(cell)):
                raise SpliceError(
                    f"{key} is {name!r}, but line {line} of {self.path} has a {type(cell).__name__} there, and must "
                    "have one word or one number."
                )
        return [_text(cell) for cell in cells]


def read_table(path: str | Path, key: str) -> Table:
    """Read a table; what it is, its suffix says, and csv is what has another one.

    Args:
        path: The file.
        key: Of the configuration, for errors.

    Raises:
        SpliceError: naming key, file and line: a file that cannot be read, or a row that does not fit the headings.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return _read_parquet(path, key)
    text = read_text(path, key)
    if suffix in (".json", ".jsonl"):
        return _read_json(path, text, key)
    return _read_csv(path, text, key)


def _is_text(cell: bytes) -> bool:
    try:
        cell.decode()
    except UnicodeDecodeError:
        return False
    return True


def _text(cell: object) -> str:
    """Write a cell; 2012.0 as 2012, because columns of integers become floats when a cell has nothing."""
    if cell is None or cell != cell:
        return ""
    if isinstance(cell, bytes):
        return cell.decode()
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _read_csv(path: Path, text: str, key: str) -> Table:
    head = re.split(r"[\r\n]", text.lstrip("\r\n"), maxsplit=1)[0]  # a carriage return alone ends lines of old Macs
    separator = "\t" if path.suffix.lower() == ".tsv" else max(SEPARATORS, key=lambda one: len(_cells(head, one)))
    rows: list[list[str]] = []
    lines: list[int] = []
    # Without `strict`, a quotation mark that is never closed would swallow the rest of the file.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
    before = 0
    try:
        for row in reader:
            if row and row != [""]:
                rows.append(row)
                lines.append(before + 1)
            before = reader.line_num
    except csv.Error as error:
        raise SpliceError(f"{key}: {path} cannot be read as csv: line {before + 1}: {error}.") from error
    if not rows:
        raise SpliceError(f"{key}: {path} is empty, but must have a line of headings.")
    names = tuple(name.strip() for name in rows.pop(0))
    del lines[0]
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(names):
            raise SpliceError(
                f"{key}: line {line} of {path} has {len(row)} cells, but there are {len(names)} headings (parted by "
                f"{separator!r}): a cell with a separator or a line end inside must stand in quotation marks."
            )
    return Table(path, names, lines, lambda index: [row[index] for row in rows])


def _cells(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])


def _read_json(path: Path, text: str, key: str) -> Table:
    try:
        if path.suffix.lower() == ".jsonl":
            numbered = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
            lines, found = [number for number, _ in numbered], [json.loads(line) for _, line in numbered]
        else:
            found = _records(json.loads(text))
            lines = list(range(1, len(found) + 1))
    except (ValueError, TypeError) as error:
        raise SpliceError(f"{key}: {path} cannot be read as a table in JSON ({error}).") from error
    if not all(isinstance(row, dict) for row in found):
        raise SpliceError(f"{key}: {path} must hold a list of objects, one per row, from headings to cells.")
    names = tuple(dict.fromkeys(str(name) for row in found for name in row))
    return Table(path, names, lines, lambda index: [row.get(names[index]) for row in found])


def _records(content: Any) -> list[Any]:
    """Return rows; of an object its values are columns: lists, or objects of row and cell."""
    if not isinstance(content, Mapping):
        return list(content)
    columns = {
        name: list(column.values() if isinstance(column, Mapping) else column) for name, column in content.items()
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _read_parquet(path: Path, key: str) -> Table:
    from pyarrow import ArrowException, parquet  # late: it takes long

    try:
        file = parquet.ParquetFile(path)
        names, count = tuple(file.schema_arrow.names), file.metadata.num_rows
    except (OSError, ArrowException) as error:
        raise SpliceError(f"{key}: {path} cannot be read as parquet ({error}).") from error
    return Table(
        path,
        names,
        range(1, count + 1),
        lambda index: parquet.ParquetFile(path).read(columns=[names[index]]).column(0).to_pylist(),
    )
