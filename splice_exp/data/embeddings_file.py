"""Image embeddings from a file, with those of captions where it has them: your own, or a published cache."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from splice_exp.core.arrays import read_npy
from splice_exp.core.errors import SpliceError, require_choice, require_integer, shown
from splice_exp.core.io import file_digest
from splice_exp.core.keys import key_of
from splice_exp.core.labels import if_unlabelled, label_of_first, require_first_label
from splice_exp.core.stored import TORCH, read_stored_embeddings
from splice_exp.core.tensors import as_tensor, read_pt
from splice_exp.core.text.lines import read_lines
from splice_exp.core.types import Embeddings
from splice_exp.data.base import EmbeddedSource

HALVES = ("first", "second")
CURE = "classes, labels = numpy.unique(words, return_inverse=True) makes both"  # of words


class EmbeddingsFile(EmbeddedSource):
    """Embeddings of a `.safetensors` (with `.json` sidecar), `.npz`, `.npy` or `.pt` file.

    Args:
        path: The file; layouts in `splice_exp.core.stored`.
        labels: A `.npy` or `.pt` file of labels, where `path` has none.
        classes: A text file with one class name per line, where `path` has none.
        first_label: Label of the first class, 0 or 1. By default 0, but asked for where no label is 0.
        name: Short name for tables; by default that of the file.
        limit: Take only the first so many samples.
        half: Take every other sample of each class: `first` for one half, `second` for the other. A dictionary can be
            learned from one and judged on the other.
        missing_classes: `drop` or `error`, for classes without a text in the backbone.

    Raises:
        SpliceError: naming the key, for unreadable files, impossible embeddings, labels without or out of classes.
    """

    def __init__(
        self,
        path: str,
        labels: str | None = None,
        classes: str | None = None,
        first_label: int | None = None,
        name: str | None = None,
        limit: int | None = None,
        half: str | None = None,
        missing_classes: str = "drop",
    ) -> None:
        require_first_label("first_label", first_label)
        if half is not None:
            require_choice("half", half, HALVES)
        stored = read_stored_embeddings(path, "path")
        file = Path(path).expanduser()
        super().__init__(name or file.stem, missing_classes)
        self._features, self._captions = stored.features, stored.captions
        self._encoder = stored.encoder
        self._backbone_id = f"{stored.encoder or 'unnamed'}:{file_digest(file)}"
        self.classes = _read_classes(classes) if classes else tuple(stored.description.get("classes", ()))
        if "labels" in stored.description and labels is None:
            raise SpliceError(
                f"{key_of('labels')}: {path} holds labels in words, but they must be integers into `classes`: {CURE}."
            )
        self.labels = self._checked_labels(_read_labels(labels) if labels else stored.labels, first_label)
        files = stored.description.get("files", range(len(self._features)))
        self.sample_ids = tuple(str(file) for file in files)
        if len(self.sample_ids) != len(self._features):
            raise SpliceError(
                f"{key_of('path')}: {path} names {len(self.sample_ids)} files for {len(self._features)} rows."
            )
        if "files" in stored.description and len(set(self.sample_ids)) != len(self.sample_ids):
            raise SpliceError(f"{key_of('path')}: {path} names a file twice, but every row needs a name of its own.")
        if limit is not None:
            require_integer("limit", limit, 1)
            self._features = self._features[:limit].clone()  # else all of them stay in memory
            self.sample_ids = self.sample_ids[:limit]
            self.labels = None if self.labels is None else self.labels[:limit]
            self._captions = None if self._captions is None else self._captions[:limit].clone()
        if half is not None:
            self._take(half)

    def _take(self, half: str) -> None:
        """Keep every other sample of each class, of all where there are no labels."""
        labels = torch.zeros(len(self._features), dtype=torch.int64) if self.labels is None else self.labels
        earlier: dict[int, int] = {}
        kept = []
        for row, label in enumerate(labels.tolist()):
            earlier[label] = earlier.get(label, -1) + 1
            if earlier[label] % 2 == HALVES.index(half):
                kept.append(row)
        if not kept:
            raise SpliceError(f"{key_of('half')} is {half!r}, but the {half} half of {len(labels)} samples is empty.")
        rows = torch.tensor(kept, dtype=torch.int64)
        self._features = self._features[rows]
        self.sample_ids = tuple(self.sample_ids[row] for row in kept)
        self.labels = None if self.labels is None else self.labels[rows]
        self._captions = None if self._captions is None else self._captions[rows]

    @property
    def encoder(self) -> str | None:
        return self._encoder

    def caption_features(self) -> Float[Tensor, "n d"] | None:
        return self._captions

    def embeddings(self) -> Embeddings:
        return Embeddings(self._features, self.labels, self.sample_ids, self.classes, "image", self._backbone_id)

    def _checked_labels(self, labels: Tensor | None, first_label: int | None) -> Int64[Tensor, " n"] | None:
        if labels is None:
            return None
        if labels.dtype == torch.bool and len(self.classes) == 2:  # of more classes they would be the first two
            labels = labels.to(torch.int64)
        if labels.is_floating_point() or labels.dtype == torch.bool or labels.shape != (len(self._features),):
            raise SpliceError(
                f"{key_of('labels', self)}: shape {tuple(labels.shape)} and type {labels.dtype}, but there must "
                "be one integer "
                f"for each of the {len(self._features)} rows."
            )
        if not self.classes:
            raise SpliceError(
                f"{key_of('labels', self)} are there but no class names: give {key_of('classes', self)}, a text "
                "file, one name per line."
            )
        numbers: list[int] = labels.tolist()  # of any type: those beyond int64 are reported as they are
        first = label_of_first(numbers, self.classes, first_label, key_of("labels", self), self)
        last = first + len(self.classes) - 1
        outside = [row for row, label in enumerate(numbers) if not first <= label <= last]
        if outside:
            found = [numbers[row] for row in outside]
            raise SpliceError(
                f"{key_of('labels', self)} must lie in {first} … {last} (there are {len(self.classes)} classes), but "
                f"row {shown(outside)} has label {shown(found)}{if_unlabelled(found)}."
            )
        return torch.tensor(numbers, dtype=torch.int64) - first


def _read_classes(path: str) -> tuple[str, ...]:
    return tuple(line.text for line in read_lines(path, key_of("classes")))


def _read_labels(path: str) -> Tensor:
    file = Path(path).expanduser()
    if file.suffix in TORCH:
        found = read_pt(file, key_of("labels"))
        if not isinstance(found, Tensor):
            raise SpliceError(f"{key_of('labels')}: {path} holds a {type(found).__name__}, but must hold one tensor.")
        return found
    array = read_npy(file, key_of("labels"))
    if array.dtype.kind in "US":
        raise SpliceError(f"{key_of('labels')}: {path} holds words, but labels must be integers: {CURE}.")
    if array.dtype.kind == "b":
        return torch.from_numpy(np.array(array))
    if array.dtype.kind not in "fiu":
        raise SpliceError(f"{key_of('labels')}: {path} holds {array.dtype}, but labels must be integers.")
    return as_tensor(array)
