"""A table of images: a file whose columns name the image, the class, the split, and whatever else is known.

Waterbirds, MIT States, Stanford Cars with their years, and most lists that people keep, are of this kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from splice_exp.core.errors import SpliceError, nearest, require_file, require_folder, require_names, shown
from splice_exp.core.keys import key_of
from splice_exp.core.labels import are_integers, if_unlabelled, indices_among, require_first_label
from splice_exp.core.text.lines import trimmed
from splice_exp.core.text.tables import Table, read_table
from splice_exp.core.types import Attribute
from splice_exp.data.pictures import FileSource, placed, require_files


class ImageTable(FileSource):
    """Images named in a table: csv with commas, semicolons or tabs, JSON, or parquet.

    Args:
        table: The file, with headings.
        root: Folder that the file names are relative to; by default that of the table. Absolute names need none.
        file_column: Column of file names.
        label_column: Column of classes: names (also numbers, as years are), or integers into `classes`; or None.
        classes: Names of the classes; by default the sorted values of the column, numbers by their size.
        split_column: Column of splits; or None.
        split: Rows to take, as the split column says it.
        attributes: What else is to be known of each sample: column → names of what it can be, as the column has them,
            or in the order of its integers.
        first_label: Label of the first class, where labels are integers into `classes`: 0 or 1. By default 0, but
            asked for where none is 0.
        name: Short name for tables; by default that of the table.
        limit: Take only so many samples, evenly spread.
        missing_classes: `drop` or `error`, for classes without a text in the backbone.
        exif: `upright`, to turn images as a viewer does, or `ignore`.
        damaged: `error` or `skip`, for images that cannot be read.
        white: The value that is white in images of more than 8 bits; by default the largest of their type.

    Raises:
        SpliceError: naming files, columns or values that do not exist.
    """

    def __init__(
        self,
        table: str,
        root: str | None = None,
        file_column: str = "file",
        label_column: str | None = "label",
        classes: Sequence[str | int] | None = None,
        split_column: str | None = None,
        split: str | int | None = None,
        attributes: Mapping[str, Sequence[str | int]] | None = None,
        first_label: int | None = None,
        name: str | None = None,
        limit: int | None = None,
        missing_classes: str = "drop",
        exif: str = "upright",
        damaged: str = "error",
        white: int | None = None,
    ) -> None:
        super().__init__(name or Path(table).stem, limit, missing_classes, exif, damaged, white)
        require_first_label("first_label", first_label)
        self._first_label = first_label
        found = read_table(require_file("table", table), key_of("table"))
        for key, column in (("file", file_column), ("label", label_column), ("split", split_column)):
            if column is not None and column not in found.names:
                hint = nearest(column, found.names)
                raise SpliceError(f"{key_of(f'{key}_column')} is {column!r}, but {table} has no such column ({hint}).")
        self._rows = list(range(len(found))) if split is None else _of_split(found, split_column, str(split))
        listed = self._filled(found, "file_column", file_column)
        folder = Path(table).parent if root is None else require_folder("root", root)
        self._root, self._files, sample_ids = placed(folder, [listed[row] for row in self._rows])
        require_files(f"table: {table}", self._files)
        names, labels = ([], None) if label_column is None else self._labels_of(found, label_column, classes)
        self._describe(sample_ids, labels, names)
        self._attributes = {
            column: self._attribute(found, column, values) for column, values in (attributes or {}).items()
        }

    def attributes(self) -> Mapping[str, Attribute]:
        return self._attributes

    def _filled(self, table: Table, argument: str, column: str) -> list[str]:
        """Return the cells of a column, in which no row that is taken has nothing."""
        cells = table.column(column, key_of(argument, self))
        if empty := [table.lines[row] for row in self._rows if not trimmed(cells[row])]:
            raise SpliceError(
                f"{key_of(argument, self)} is {column!r}, but line {shown(empty)} of {table.path} has nothing "
                "there: fill it in, or take the line out."
            )
        return cells

    def _attribute(self, table: Table, column: str, values: Sequence[str | int]) -> Attribute:
        names = _names(f"attributes.{column}", values, self)
        if column not in table.names:
            raise SpliceError(
                f"{key_of('attributes', self)} names {column!r}, but {table.path} has no such column "
                f"({nearest(column, table.names)})."
            )
        cells = [trimmed(cell) for cell in table.column(column, key_of("attributes", self))]
        taken = [cells[self._rows[place]] for place in self._places]
        source = f"{key_of('attributes', self)}: integers in column {column!r}"
        labels = indices_among(names, taken, cells, self._first_label, source, self)
        if not all(0 <= label < len(names) for label in labels):
            raise SpliceError(
                f"{key_of('attributes', self)}.{column} is {list(names)}, but the column holds "
                f"{shown(sorted(set(taken)))}: name all of them."
            )
        return Attribute(tuple(names), torch.tensor(labels))

    def _labels_of(self, table: Table, column: str, classes: Sequence[str | int] | None) -> tuple[list[str], list[int]]:
        """Return classes and the label of each row."""
        cells = [trimmed(cell) for cell in self._filled(table, "label_column", column)]
        taken = [cells[row] for row in self._rows]
        if classes is None:
            names = sorted(set(taken), key=int if are_integers(taken) else str)  # years by their size
        else:
            names = _names("classes", classes, self)
        source = f"{key_of('label_column')}: labels in column {column!r}"
        labels = indices_among(names, taken, cells, self._first_label, source)
        outside = [row for row, label in enumerate(labels) if not 0 <= label < len(names)]
        if outside:
            others = sorted({taken[row] for row in outside})
            raise SpliceError(
                f"{key_of('classes')} has {len(names)} names, but rows {shown(outside)} have other labels "
                f"({shown(others)}){if_unlabelled(others)}."
            )
        return names, labels


def _of_split(table: Table, column: str | None, split: str) -> list[int]:
    """Return the rows of a split."""
    if column is None:
        raise SpliceError(
            f"{key_of('split')} is {split!r}, but {key_of('split_column')} is not given: name that column."
        )
    cells = [trimmed(cell) for cell in table.column(column, key_of("split_column"))]
    if split not in cells:
        raise SpliceError(
            f"{key_of('split')} is {split!r}, but column {column!r} of {table.path} holds {shown(sorted(set(cells)))}."
        )
    return [row for row, cell in enumerate(cells) if cell == split]


def _names(argument: str, values: Sequence[str | int], of: object) -> list[str]:
    """Return names as words: years in yaml are numbers."""
    if isinstance(values, (list, tuple)):
        values = [str(value) if type(value) is int else value for value in values]
    require_names(argument, values, of)
    return list(map(str, values))
