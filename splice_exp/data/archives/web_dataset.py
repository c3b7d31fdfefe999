"""Images in tar files, as webdataset lays them out: members of the same key, one after the other, are a sample.

    shard-000000.tar:  000000000.jpg  000000000.cls  000000000.txt  000000000.json  000000001.jpg …

A key is the name up to the first dot behind its folders, the rest is a suffix. Tar files are looked through once, for
where each image begins; images are then read in any order. Nothing is unpacked.

References:
    Aizman, Maltby, Breuel. High performance I/O for large scale deep learning. IEEE Big Data 2019; its format:
    github.com/webdataset/webdataset.
"""

from __future__ import annotations

import json
import os
import re
import tarfile
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from splice_exp.core.errors import SpliceError, shown
from splice_exp.core.images.folders import SUFFIXES
from splice_exp.core.images.opening import Stored
from splice_exp.core.io import digest, files_digest
from splice_exp.core.keys import key_of
from splice_exp.core.labels import require_first_label
from splice_exp.core.runs.file_digests import remembered
from splice_exp.core.text.lines import trimmed
from splice_exp.data.archives.labels import labels_of
from splice_exp.data.pictures import PictureSource
from splice_exp.data.presence.named_files import require_tar_files

IMAGES = tuple(sorted(suffix.removeprefix(".") for suffix in SUFFIXES))
INDEX = "webdataset 1"  # kind of what is remembered of a tar file, and the version of its layout
_MEMBER = re.compile(r"((?:.*/)?[^./][^./]*)\.([^/]*)")


@dataclass(frozen=True, slots=True)
class Extent:
    """Where bytes are: in which tar file, from where on, and how many.

    Attributes:
        shard: Index of the tar file.
        offset: Of the first byte.
        size: In bytes.
    """

    shard: int
    offset: int
    size: int


@dataclass
class Sample:
    """The members of a key.

    Attributes:
        key: Their name without a suffix.
        members: Suffix → where its bytes are.
        texts: Suffix → its bytes, of those that are wanted as text.
    """

    key: str
    members: dict[str, Extent] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)


class WebDataset(PictureSource):
    """Images in tar files.

    Args:
        shards: Tar files, not compressed: a file, a folder of `.tar` files, or a pattern such as
            `train-{000000..000099}.tar` or `train-*.tar`; or a list of these.
        image_suffix: Of images, where samples have several; by default the one of an image that a sample has.
        label_suffix: Of labels, words or integers into `classes`; None: no classes. Where no sample has one, the data
            have none.
        label_key: Where labels are in JSON: the key of the object.
        caption_suffix: Of captions; or None.
        classes: A text file with one class name per line; by default the sorted words.
        first_label: Label of the first class, where labels are integers: 0 or 1. By default 0, but asked for where no
            label is 0.
        name: Short name for tables; by default that of the first tar file.
        limit: Take only so many samples, evenly spread.
        missing_classes: `drop` or `error`, for classes without a text in the backbone.
        exif: `upright`, to turn images as a viewer does, or `ignore`.
        damaged: `error`, or `skip` to leave out images that cannot be read.
        white: The value that is white in images of more than 8 bits; by default the largest of their type.

    Raises:
        SpliceError: naming the key, the file and the sample, for what is missing, damaged or compressed.
    """

    def __init__(
        self,
        shards: str | Sequence[str],
        image_suffix: str | None = None,
        label_suffix: str | None = "cls",
        label_key: str | None = None,
        caption_suffix: str | None = None,
        classes: str | None = None,
        first_label: int | None = None,
        name: str | None = None,
        limit: int | None = None,
        missing_classes: str = "drop",
        exif: str = "upright",
        damaged: str = "error",
        white: int | None = None,
    ) -> None:
        require_first_label("first_label", first_label)
        self._shards = require_tar_files("shards", shards)
        name = name or (self._shards[0].stem if self._shards else "webdataset")
        super().__init__(name, limit, missing_classes, exif, damaged, white)
        files = [shard.absolute() for shard in self._shards]
        self._root = Path(os.path.commonpath([file.parent for file in files])) if files else Path()
        self._images: list[Extent] = []
        ids, cells, captions = [], [], []
        wanted = {_plain(suffix) for suffix in (label_suffix, caption_suffix) if suffix is not None}
        for number, file in enumerate(files):
            stem = file.relative_to(self._root).with_suffix("").as_posix()
            for sample in self._samples(number, wanted):
                extent = self._image(sample, image_suffix)
                if extent is None:
                    continue
                self._images.append(extent)
                ids.append(f"{stem}/{sample.key}")
                if label_suffix is not None:
                    cells.append(self._label(sample, label_suffix, label_key))
                if caption_suffix is not None:
                    captions.append((self._caption(sample, caption_suffix),))
        if not self._images:
            raise SpliceError(
                f"{key_of('shards')}: {shown(self._shards)} hold no images "
                f"(.{', .'.join(IMAGES if image_suffix is None else (image_suffix,))})."
            )
        labels: list[int] | None = None
        found: list[str] = []
        if label_suffix is not None:
            labels, found = labels_of(cells, ids, classes, first_label, "label_suffix")
        self._describe(ids, labels, found)
        self._captions = None if caption_suffix is None else tuple(captions[place] for place in self._places)

    def captions(self) -> tuple[tuple[str, ...], ...] | None:
        return self._captions

    def picture(self, place: int) -> Stored:
        return self._bytes(self._images[place])

    def content(self, places: Sequence[int]) -> str:
        taken = [[self._images[place].shard, self._images[place].offset] for place in places]
        return f"tar:{digest([files_digest(self._root, [shard.absolute() for shard in self._shards]), taken])}"

    def _samples(self, number: int, wanted: Set[str]) -> Iterator[Sample]:
        """Yield the samples of a tar file, as it was once looked through.

        Args:
            number: Index of the file.
            wanted: Suffixes that are read as text.
        """
        path = self._shards[number]
        name = f"{INDEX} {sorted(wanted)}"
        index = json.loads(remembered(name, [path], lambda: json.dumps(list(map(_written, self._scan(path, wanted))))))
        for key, members, texts in index:
            extents = {suffix: Extent(number, *extent) for suffix, extent in members.items()}
            yield Sample(key, extents, {suffix: text.encode("latin-1") for suffix, text in texts.items()})

    def _scan(self, path: Path, wanted: Set[str]) -> Iterator[Sample]:
        """Yield the samples of a tar file, by looking at the headers of its members."""
        sample = Sample("")
        try:
            with tarfile.open(path, "r:") as archive:
                for member in archive:
                    match = _MEMBER.fullmatch(member.name.removeprefix("./"))
                    if not member.isreg() or match is None or re.match("__[^/]*__(/|$)", member.name):
                        continue
                    key, suffix = match[1], match[2].lower()
                    if key != sample.key or suffix in sample.members:
                        if sample.members:
                            yield sample
                        sample = Sample(key)
                    sample.members[suffix] = Extent(0, member.offset_data, member.size)
                    if suffix in wanted and (content := archive.extractfile(member)) is not None:
                        sample.texts[suffix] = content.read()
                    archive.members = []  # type: ignore[attr-defined]  # else it remembers them all
        except (OSError, tarfile.TarError, EOFError) as error:
            reason = str(error).partition("\n")[0]
            raise SpliceError(
                f"{key_of('shards')}: {path} cannot be read as a tar file ({reason}): it must be whole and not "
                "compressed."
            ) from error
        if sample.members:
            yield sample

    def _image(self, sample: Sample, suffix: str | None) -> Extent | None:
        if suffix is not None:
            return sample.members.get(_plain(suffix))
        there = [one for one in sample.members if one in IMAGES]
        if len(there) > 1:
            raise SpliceError(
                f"{key_of('image_suffix')} is null, but {sample.key} has several images (.{', .'.join(there)}): set it "
                "to one of these."
            )
        return sample.members[there[0]] if there else None

    def _bytes(self, extent: Extent) -> bytes:
        with self._shards[extent.shard].open("rb") as file:
            file.seek(extent.offset)
            return file.read(extent.size)

    def _text(self, sample: Sample, suffix: str, argument: str) -> str | None:
        """Return a member as text; None where the sample has none."""
        content = sample.texts.get(_plain(suffix))
        if content is None:
            return None
        try:
            return trimmed(content.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise SpliceError(f"{key_of(argument)}: {sample.key}.{_plain(suffix)} is not UTF-8 ({error}).") from error

    def _caption(self, sample: Sample, suffix: str) -> str:
        found = self._text(sample, suffix, "caption_suffix")
        if found is None:
            raise SpliceError(
                f"{key_of('caption_suffix')} is {suffix!r}, but {sample.key} has only .{', .'.join(sample.members)}."
            )
        if not found:
            raise SpliceError(
                f"{key_of('caption_suffix')} is {suffix!r}, but {sample.key}.{_plain(suffix)} says nothing: leave out "
                "samples without a caption, or set it to null."
            )
        return " ".join(found.split())

    def _label(self, sample: Sample, suffix: str, key: str | None) -> str:
        found = self._text(sample, suffix, "label_suffix")
        if found is None or key is None:
            return found or ""
        try:
            label = json.loads(found)[key]
        except (ValueError, KeyError, TypeError) as error:
            raise SpliceError(
                f"{key_of('label_key')} is {key!r}, but {sample.key}.{suffix} is no JSON object with it ({error!r})."
            ) from error
        if isinstance(label, (list, dict)):
            raise SpliceError(
                f"{key_of('label_key')} is {key!r}, but {sample.key}.{suffix} has a {type(label).__name__} there, and "
                "must have one word or one integer."
            )
        return "" if label is None else str(label)


def _written(sample: Sample) -> list[Any]:
    """Return a sample as JSON: bytes of texts letter by letter, because they may be in any encoding."""
    members = {suffix: [extent.offset, extent.size] for suffix, extent in sample.members.items()}
    return [sample.key, members, {suffix: text.decode("latin-1") for suffix, text in sample.texts.items()}]


def _plain(suffix: str) -> str:
    return suffix.lower().lstrip(".")
