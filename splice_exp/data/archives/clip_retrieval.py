"""Embeddings as clip-retrieval writes them: parts of a matrix, and a table of each part.

    ROOT/img_emb/img_emb_0.npy        (n, d), usually float16; numbers may have zeros in front, and gaps between them
    ROOT/metadata/metadata_0.parquet  of the same rows: `image_path`, `caption`, and what else there was

References:
    Beaumont. Clip Retrieval: easily compute clip embeddings and build a clip retrieval system with them. 2022,
    github.com/rom1504/clip-retrieval (clip_inference/writer.py).
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import torch

from splice_exp.core.arrays import read_npy
from splice_exp.core.errors import SpliceError, nearest, require_folder, require_integer, shown
from splice_exp.core.io import digest, file_sha256
from splice_exp.core.keys import key_of
from splice_exp.core.labels import require_first_label
from splice_exp.core.matrices.files import npy_matrix
from splice_exp.core.matrices.matrix import Matrix
from splice_exp.core.matrices.unit_rows import unit_rows
from splice_exp.core.text.lines import trimmed
from splice_exp.core.text.tables import Table, read_table
from splice_exp.core.types import Embeddings
from splice_exp.data.archives.labels import labels_of
from splice_exp.data.base import EmbeddedSource

NAMES = "image_path"  # column of the names of images


class ClipRetrieval(EmbeddedSource):
    """Image embeddings in a folder of clip-retrieval.

    Args:
        root: The folder, with `img_emb` and `metadata` in it.
        label_column: Column of classes in the metadata: words, or integers into `classes`; None: no classes.
        classes: A text file with one class name per line; by default the sorted words of the column.
        first_label: Label of the first class, where labels are integers: 0 or 1. By default 0, but asked for where no
            label is 0.
        caption_column: Column of captions; or None.
        name: Short name for tables; by default that of the folder.
        limit: Take only the first so many samples.
        missing_classes: `drop` or `error`, for classes without a text in the backbone.

    Raises:
        SpliceError: naming the key and the file, for parts that are missing, damaged, or do not fit each other.
    """

    def __init__(
        self,
        root: str,
        label_column: str | None = None,
        classes: str | None = None,
        first_label: int | None = None,
        caption_column: str | None = None,
        name: str | None = None,
        limit: int | None = None,
        missing_classes: str = "drop",
    ) -> None:
        require_first_label("first_label", first_label)
        if limit is not None:
            require_integer("limit", limit, 1)
        folder = require_folder("root", root)
        super().__init__(name or folder.resolve().name, missing_classes)
        parts = _parts(folder, limit)
        widths = {_load(file).shape[1]: file for file, _ in reversed(parts)}
        if len(widths) > 1:
            raise SpliceError(
                f"{key_of('root')}: embeddings must all have the same width, but "
                f"{', '.join(f'{file} has {width}' for width, file in widths.items())}: they are of different encoders."
            )
        self._features = unit_rows([(_matrix(file), f"{key_of('root')}: {file}") for file, _ in parts])
        count = len(self._features)
        if limit is not None:
            self._features = self._features[:limit].clone()  # else all of them stay in memory
        self._backbone_id = f"unnamed:{digest([file_sha256(file) for file, _ in parts])}"
        tables = [_table(table, file) for file, table in parts]
        names = _cells(tables, NAMES, "root") if all(NAMES in table.names for table in tables) else []
        if len(set(names)) != count:  # keys of webdataset may repeat from part to part
            names = [f"{file.stem}/{row}" for (file, _), table in zip(parts, tables, strict=True) for row in _of(table)]
        self.sample_ids = tuple(names[:limit])
        self.classes, self.labels = (), None
        if label_column is not None:
            cells = _cells(tables, label_column, "label_column")[:limit]
            labels, found = labels_of(cells, self.sample_ids, classes, first_label, "label_column")
            self.classes, self.labels = tuple(found), None if labels is None else torch.tensor(labels)
        spoken = None if caption_column is None else _cells(tables, caption_column, "caption_column")[:limit]
        if silent := [name for name, said in zip(self.sample_ids, spoken or (), strict=False) if not trimmed(said)]:
            raise SpliceError(
                f"{key_of('caption_column')} is {caption_column!r}, in which {len(silent)} of {len(self.sample_ids)} "
                f"samples have no caption, among them {shown(silent, 3)}: set it to null, or take other samples."
            )
        self._captions = None if spoken is None else tuple((caption,) for caption in spoken)

    @property
    def encoder(self) -> str | None:
        return None  # the folder does not say

    def captions(self) -> tuple[tuple[str, ...], ...] | None:
        return self._captions

    def embeddings(self) -> Embeddings:
        return Embeddings(self._features, self.labels, self.sample_ids, self.classes, "image", self._backbone_id)


def _parts(folder: Path, limit: int | None) -> list[tuple[Path, Path]]:
    """Return the files of embeddings and of metadata, as many as the limit needs, in the order of their numbers."""
    features = _numbered(folder, "img_emb", "npy")
    tables = _numbered(folder, "metadata", "parquet")
    if odd := sorted(features.keys() ^ tables.keys()):
        raise SpliceError(
            f"{key_of('root')}: {folder} must have files img_emb/img_emb_N.npy and metadata/metadata_N.parquet of the "
            f"same numbers, but {shown(odd)} has only one of the two: copy what is missing, or remove the other."
        )
    parts: list[tuple[Path, Path]] = []
    count = 0
    for number in sorted(features):
        parts.append((features[number], tables[number]))
        count += len(_load(features[number]))
        if limit is not None and count >= limit:
            break
    return parts


def _numbered(folder: Path, kind: str, suffix: str) -> dict[int, Path]:
    found: dict[int, Path] = {}
    for file in sorted(require_folder("root", str(folder / kind)).iterdir()):
        if match := re.fullmatch(rf"{kind}_(\d+)\.{suffix}", file.name):
            if other := found.get(int(match[1])):
                raise SpliceError(
                    f"{key_of('root')}: {folder / kind} has {other.name} and {file.name}, which have the same number: "
                    "remove one."
                )
            found[int(match[1])] = file
    if not found:
        raise SpliceError(f"{key_of('root')}: {folder / kind} holds no files {kind}_0.{suffix}, {kind}_1.{suffix} …")
    return found


def _load(file: Path) -> np.ndarray:
    """Map a matrix into memory."""
    found = read_npy(file, key_of("root"))
    if found.ndim != 2:
        raise SpliceError(f"{key_of('root')}: {file} has shape {found.shape}, but must be a matrix, one row per image.")
    return found


def _matrix(file: Path) -> Matrix:
    found = npy_matrix(file, key_of("root"))
    if found is None:
        raise SpliceError(f"{key_of('root')}: {file} holds {_load(file).dtype}, but must hold numbers.")
    return found


def _table(path: Path, features: Path) -> Table:
    """Read the metadata of a part."""
    table = read_table(path, key_of("root"))
    if len(table) != len(_load(features)):
        raise SpliceError(
            f"{key_of('root')}: {path} has {len(table)} rows, but {features} has {len(_load(features))}: they must be "
            "of the same samples."
        )
    return table


def _of(table: Table) -> range:
    return range(len(table))


def _cells(tables: list[Table], column: str, argument: str) -> list[str]:
    """Return a column of all parts."""
    cells: list[str] = []
    for table in tables:
        if column not in table.names:
            raise SpliceError(
                f"{key_of(argument)} is {column!r}, but {table.path} has no such column "
                f"({nearest(column, table.names)})."
            )
        cells += table.column(column, key_of(argument))
    return cells
