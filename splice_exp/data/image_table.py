"""A table of pictures: a csv file whose columns name the file, the class, the split, and whatever else is known.

Waterbirds, MIT States, Stanford Cars with their years, and most lists that people keep, are of this kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import torch

from splice_exp.core.errors import SpliceError, nearest, require_names, shown
from splice_exp.core.keys import key_of
from splice_exp.core.types import Attribute
from splice_exp.data.pictures import (
    FileSource,
    require_file,
    require_files,
    require_folder,
)


class ImageTable(FileSource):
    """Pictures named in a csv file.

    Args:
        table: The csv file, with a header.
        root: Folder that the file names are relative to; by default that of the table.
        file_column: Column of file names.
        label_column: Column of classes: names (also numbers, as years are), or integers into `classes`; or None.
        classes: Names of the classes; by default the sorted values of the column, numbers by their size.
        split_column: Column of splits; or None.
        split: Rows to take, as the split column says it.
        attributes: What else is to be known of each sample: column → names of what it can be, for a column of integers
            in their order.
        name: Short name for tables; by default that of the table.
        limit: Take only so many samples, evenly spread.
        missing_classes: `drop` or `error`, for classes without a text in the backbone.
        exif: `upright`, to turn images as a viewer does, or `ignore`.
        damaged: `error` or `skip`, for images that cannot be read.

    Raises:
        SpliceError: naming files, columns or values that are not there.
    """

    def __init__(
        self,
        table: str,
        root: str | None = None,
        file_column: str = "file",
        label_column: str | None = "label",
        classes: list[str] | None = None,
        split_column: str | None = None,
        split: str | int | None = None,
        attributes: Mapping[str, Sequence[str]] | None = None,
        name: str | None = None,
        limit: int | None = None,
        missing_classes: str = "drop",
        exif: str = "upright",
        damaged: str = "error",
    ) -> None:
        super().__init__(name or Path(table).stem, limit, missing_classes, exif, damaged)
        frame = _read(table)
        for key, column in (("file", file_column), ("label", label_column), ("split", split_column)):
            if column is not None and column not in frame.columns:
                hint = nearest(column, list(frame.columns))
                raise SpliceError(f"{key_of(f'{key}_column')} is {column!r}, but {table} has no such column ({hint}).")
        if split is not None:
            frame = self._of_split(frame, split_column, split, table)
        frame = frame.reset_index(drop=True)
        self._root = Path(table).parent if root is None else require_folder("root", root)
        self._files = [self._root / str(file) for file in frame[file_column]]
        require_files(f"table: {table}", self._files)
        names, labels = ((), None) if label_column is None else self._labels_of(frame[label_column], classes)
        self._describe([str(file) for file in frame[file_column]], labels, names)
        self._attributes = {
            column: self._attribute(frame, column, names, table) for column, names in (attributes or {}).items()
        }

    def attributes(self) -> Mapping[str, Attribute]:
        return self._attributes

    def _attribute(self, frame: pd.DataFrame, column: str, names: Sequence[str], table: str) -> Attribute:
        require_names(f"attributes.{column}", names, of=self)
        if column not in frame.columns:
            hint = nearest(column, list(frame.columns))
            raise SpliceError(
                f"{key_of('attributes', self)} names {column!r}, but {table} has no such column ({hint})."
            )
        taken = frame[column].iloc[list(self._places)]
        if pd.api.types.is_integer_dtype(taken):
            labels = taken.tolist()
        else:
            labels = [names.index(value) if value in names else -1 for value in taken.astype(str)]
        if not all(0 <= label < len(names) for label in labels):
            raise SpliceError(
                f"{key_of('attributes', self)}.{column} is {list(names)}, but the column holds "
                f"{shown(sorted({str(value) for value in taken}))}: name all of them."
            )
        return Attribute(tuple(names), torch.tensor(labels))

    @staticmethod
    def _of_split(frame: pd.DataFrame, column: str | None, split: str | int, table: str) -> pd.DataFrame:
        if column is None:
            raise SpliceError(
                f"{key_of('split')} is {split!r}, but {key_of('split_column')} is not given: name that column."
            )
        values = frame[column].astype(str)
        if str(split) not in set(values):
            raise SpliceError(
                f"{key_of('split')} is {split!r}, but column {column!r} of {table} holds {shown(sorted(set(values)))}."
            )
        return frame[values == str(split)]

    @staticmethod
    def _labels_of(column: pd.Series, classes: list[str] | None) -> tuple[list[str], list[int]]:
        """Return classes and the label of each row."""
        if classes is not None:
            require_names("classes", classes)
        numbers = pd.api.types.is_integer_dtype(column)
        if classes is None:
            values = sorted(set(column.tolist() if numbers else column.astype(str)))  # years by their size
            classes = [str(value) for value in values]
            place = {name: index for index, name in enumerate(classes)}
            labels = [place[value] for value in column.astype(str)]
        elif numbers and not set(column.astype(str)) <= set(classes):
            labels = column.tolist()
        else:
            place = {name: index for index, name in enumerate(classes)}
            labels = [place.get(value, -1) for value in column.astype(str)]
        outside = [row for row, label in enumerate(labels) if not 0 <= label < len(classes)]
        if outside:
            raise SpliceError(
                f"{key_of('classes')} has {len(classes)} names, but rows {shown(outside)} have other labels "
                f"({shown(sorted({str(column.iloc[row]) for row in outside}))})."
            )
        return list(classes), labels


def _read(table: str) -> pd.DataFrame:
    file = require_file("table", table)
    try:
        return pd.read_csv(file)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise SpliceError(f"{key_of('table')}: {table} cannot be read as csv ({error}).") from error
