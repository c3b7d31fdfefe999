"""Data sets of Hugging Face `datasets`: from a folder that `python -m splice_exp prepare-data` has saved, or streamed.

Streaming reads samples over the network in every run that embeds them; it is asked for by name, never a fallback.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from splice_exp.core.errors import SpliceError, nearest, require_bool, require_integer, shown
from splice_exp.core.images.opening import Stored
from splice_exp.core.images.white import UnreadableImage
from splice_exp.core.io import digest
from splice_exp.core.keys import key_of, set_place
from splice_exp.core.text.lines import trimmed
from splice_exp.data.pictures import PictureSource, by_name
from splice_exp.data.presence.sources import require_saved

log = logging.getLogger(__name__)

HIDDEN = -1  # what a class label is where it is not given


class HuggingFaceSet(PictureSource):
    """Images in a column of a data set.

    Args:
        path: Folder that was saved with `save_to_disk`; with `streaming` a name on the hub.
        split: Split to take; or None for a folder that holds one.
        image_column: Column with the images.
        label_column: Column of classes, class labels or names; or None. Where no sample has a label (test splits whose
            labels are kept secret have −1), the data have none.
        caption_column: Column of captions, one or a list; or None.
        config: Of a data set on the hub that has several.
        revision: Of a data set on the hub; must be given to stream, because samples may not change between runs.
        streaming: Read from the hub while embedding.
        num_samples: Samples to stream.
        name: Short name for tables; by default the last part of the path.
        limit: Take only so many samples, evenly spread; not of a stream.
        missing_classes: `drop` or `error`, for classes without a text in the backbone.
        exif: `upright`, to turn images as a viewer does, or `ignore`.
        damaged: `error` or `skip`, for images that cannot be read.
        white: The value that is white in images of more than 8 bits; by default the largest of their type.

    Raises:
        SpliceError: for folders, splits and columns that do not exist.
    """

    def __init__(
        self,
        path: str,
        split: str | None = None,
        image_column: str = "image",
        label_column: str | None = "label",
        caption_column: str | None = None,
        config: str | None = None,
        revision: str | None = None,
        streaming: bool = False,
        num_samples: int | None = None,
        name: str | None = None,
        limit: int | None = None,
        missing_classes: str = "drop",
        exif: str = "upright",
        damaged: str = "error",
        white: int | None = None,
    ) -> None:
        from datasets import Image as ImageColumn

        require_bool("streaming", streaming)
        super().__init__(name or path.rstrip("/").rsplit("/", 1)[-1], limit, missing_classes, exif, damaged, white)
        self._image_column = image_column
        if streaming:
            self._data: Any = Stream(path, config, split, revision, num_samples)
            self._content = [path, config, split, revision]
        else:
            self._data = read_saved(path, split)
            self._content = [self._data._fingerprint]
        for key, column in (("image", image_column), ("label", label_column), ("caption", caption_column)):
            if column is not None and column not in self._data.column_names:
                hint = nearest(column, list(self._data.column_names))
                raise SpliceError(f"{key_of(f'{key}_column')} is {column!r}, but {path} has no such column ({hint}).")
        # Left to itself, it decodes by its own rules.
        if isinstance(self._data.features[image_column], ImageColumn):
            self._data = self._data.cast_column(image_column, ImageColumn(decode=False))
        labels, classes = (None, []) if label_column is None else self._labels_of(label_column, path)
        self._describe([f"{split or 'all'}-{place:08d}" for place in range(len(self._data))], labels, classes)
        self._captions = None if caption_column is None else self._captions_of(caption_column)

    def _labels_of(self, column: str, path: str) -> tuple[list[int] | None, list[str]]:
        values, names = list(self._data[column]), getattr(self._data.features[column], "names", None)
        hidden = [row for row, value in enumerate(values) if _says_nothing(value) or (names and value == HIDDEN)]
        if hidden and len(hidden) == len(values):
            log.warning(
                "%s is %r, in which no sample has a label: the data have none", key_of("label_column", self), column
            )
            return None, []
        if hidden:
            raise SpliceError(
                f"{key_of('label_column', self)} is {column!r}, in which {len(hidden)} of {len(values)} samples "
                f"of {path} have no label, among them {shown(hidden)}: take a split in which all have one, or set it "
                "to null."
            )
        if names is not None:
            return [int(value) for value in values], list(names)
        if not all(isinstance(value, str) for value in values):
            raise SpliceError(
                f"{key_of('label_column', self)} is {column!r}, whose values have no names: take a column of "
                "class labels or of "
                "words, or null."
            )
        return by_name(values)

    def _captions_of(self, column: str) -> tuple[tuple[str, ...], ...]:
        values = list(self._data[column])
        spoken = {place: _texts_of(values[place]) for place in self._places}
        if silent := [place for place, texts in spoken.items() if not texts]:
            raise SpliceError(
                f"{key_of('caption_column', self)} is {column!r}, in which {len(silent)} of {len(spoken)} samples have "
                f"no caption, among them {shown(silent)}: take a split in which all have one, or set it to null."
            )
        return tuple(spoken.values())

    def captions(self) -> tuple[tuple[str, ...], ...] | None:
        return self._captions

    def picture(self, place: int) -> Stored:
        found = self._data[place][self._image_column]
        if isinstance(found, Image.Image | np.ndarray | bytes):
            return found
        content, path = (found.get("bytes"), found.get("path")) if isinstance(found, dict) else (None, None)
        if content is not None:
            return bytes(content)
        if path is not None:
            return _fetched(path)
        raise UnreadableImage(
            f"Sample {place} of {self.name} has {type(found).__name__} in column {self._image_column!r}, and no image."
        )

    def content(self, places: Sequence[int]) -> str:
        return f"huggingface:{digest([*self._content, self._image_column, list(places)])}"


def _says_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not trimmed(value))


def _texts_of(value: Any) -> tuple[str, ...]:
    """Return the captions of a sample, which may be one or a list; none where nothing is said."""
    listed = value if isinstance(value, (list, tuple)) else [value]
    return tuple(str(text) for text in listed if not _says_nothing(text))


def _fetched(path: str) -> Path | bytes:
    """Return an image that a data set only names: on this machine, on the hub, or inside an archive there."""
    if "://" not in path:
        return Path(path)
    import fsspec  # it comes with datasets

    with fsspec.open(path, "rb") as file:
        return bytes(file.read())


def read_saved(path: str, split: str | None) -> Any:
    """Read a folder of `save_to_disk`.

    Args:
        path: The folder.
        split: Its name where the folder holds several; None where it holds one only.

    Returns:
        A `datasets.Dataset`.

    Raises:
        SpliceError: if it is not one, or lacks the split.
    """
    from datasets import Dataset, load_from_disk

    folder = require_saved(path)
    try:
        found = load_from_disk(str(folder))
    except (OSError, ValueError, LookupError, TypeError) as error:
        reason = "it is empty, or damaged" if isinstance(error, (LookupError, TypeError)) else error
        raise SpliceError(f"{key_of('path')}: {path} cannot be read as a saved data set ({reason}).") from error
    if isinstance(found, Dataset):
        if split is not None:
            raise SpliceError(f"{key_of('split')} is {split!r}, but {path} holds one split only: set it to null.")
        return found
    if split not in found:
        raise SpliceError(f"{key_of('split')} is {split!r}, but {path} holds {shown(sorted(found))}.")
    return found[split]


class Stream:
    """The first samples of a data set on the hub, read in order; going back starts again from the first.

    Args:
        path: Of the data set on the hub, `owner/name`.
        config: Name of its configuration, where it has several.
        split: Like `test`.
        revision: Commit, tag or branch.
        num_samples: How many are read, the first ones.

    Raises:
        SpliceError: if revision, split or number of samples are not given, or the hub has no such data set.
    """

    def __init__(
        self, path: str, config: str | None, split: str | None, revision: str | None, num_samples: int | None
    ) -> None:
        from datasets import load_dataset

        set_place(self)  # what a stream lacks is found when it is read
        for key, value in (("split", split), ("revision", revision), ("num_samples", num_samples)):
            if value is None:
                raise SpliceError(f"{key_of(key)} must be given with {key_of('streaming')}=true.")
        require_integer("num_samples", num_samples, 1)
        try:
            self._data = load_dataset(path, config, split=split, revision=revision, streaming=True)
        except (OSError, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            raise SpliceError(f"{key_of('path')} is {path!r}, which cannot be streamed ({reason}).") from error
        self._num_samples = int(num_samples or 0)
        self.features = self._data.features or {}
        self.column_names = list(self.features)
        self._next, self._samples = 0, iter(self._data)

    def cast_column(self, column: str, feature: Any) -> Stream:
        """Read a column as another kind of feature, from the first sample on.

        Args:
            column: Its name.
            feature: Of `datasets`, such as `Image(decode=False)`.

        Returns:
            The stream itself.
        """
        self._data = self._data.cast_column(column, feature)
        self._next, self._samples = 0, iter(self._data)
        return self

    def __len__(self) -> int:
        return self._num_samples

    def __getitem__(self, key: int | str) -> Any:
        if isinstance(key, str):
            return [sample[key] for sample in self._data.select_columns([key]).take(self._num_samples)]
        if key != self._next or key == 0:
            self._next, self._samples = key, iter(self._data.skip(key))
        self._next += 1
        for sample in self._samples:
            return sample
        raise SpliceError(
            f"{key_of('num_samples', self)} is {self._num_samples}, but the stream ends after {key} samples."
        )
