"""Data sets that torchvision knows, in the folders and files in which it keeps them.

Nothing is downloaded here: `python -m splice_exp prepare-data` does that, and checks what it gets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import torch
import torchvision.datasets as sets
from PIL import Image

from splice_exp.core.errors import SpliceError, nearest, require_choice
from splice_exp.core.images.opening import Stored
from splice_exp.core.keys import key_of
from splice_exp.core.names import canonical
from splice_exp.core.tensors import tensor_digest
from splice_exp.core.truth import GroundTruth
from splice_exp.core.types import Attribute
from splice_exp.data.pictures import FileSource, require_files
from splice_exp.data.presence.torchvision_files import not_there, require_set


@dataclass(frozen=True)
class Kind:
    """How one of torchvision's data sets is asked.

    Attributes:
        build: Its class.
        splits: Split → arguments of the class.
        files: Image files, or None if the images are arrays.
        labels: Label of each sample.
        classes: Names of the labels.
        options: Further arguments.
    """

    build: Callable[..., Any]
    splits: Mapping[str, Mapping[str, Any]]
    files: Callable[[Any], Sequence[Path]] | None
    labels: Callable[[Any], Sequence[int]]
    classes: Callable[[Any], Sequence[str]] = lambda data: data.classes
    options: Mapping[str, Any] = field(default_factory=dict)


def _by_name(*names: str) -> dict[str, dict[str, Any]]:
    return {name: {"split": name} for name in names}


TRAIN_OR_TEST: dict[str, dict[str, Any]] = {"train": {"train": True}, "test": {"train": False}, "all": {"train": None}}
ALL: dict[str, dict[str, Any]] = {"all": {}}


def _pooled(build: Callable[..., Any]) -> Callable[..., Any]:
    """Return how CIFAR is built: one part, or with `train=None` the training part followed by the test part."""

    def built(root: Path, download: bool, train: bool | None) -> Any:
        if train is not None:
            return build(root, download=download, train=train)
        first, second = (build(root, download=download, train=part) for part in (True, False))
        first.data, first.targets = np.concatenate([first.data, second.data]), [*first.targets, *second.targets]
        return first

    return built


def _image_files(data: Any) -> list[Path]:
    return [Path(file) for file in data._image_files]


def _labels(data: Any) -> list[int]:
    return list(data._labels)


def _caltech_files(data: Any) -> list[Path]:
    folder = Path(data.root) / "101_ObjectCategories"
    pairs = zip(data.y, data.index, strict=True)
    return [folder / data.categories[label] / f"image_{number:04d}.jpg" for label, number in pairs]


def _voc_objects(annotation: str) -> list[tuple[str, float]]:
    """Return the class and the area of each object of an image."""
    objects = []
    for found in ElementTree.parse(annotation).getroot().iter("object"):
        box = {side.tag: float(side.text or 0) for side in found.find("bndbox") or ()}
        area = (box["xmax"] - box["xmin"]) * (box["ymax"] - box["ymin"])
        objects.append((str(found.findtext("name")), area))
    return objects


VOC_CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)


def _largest(data: Any) -> list[int]:
    """Return the class of the largest object of each image."""
    objects = [_voc_objects(annotation) for annotation in data.targets]
    return [VOC_CLASSES.index(max(found, key=lambda pair: pair[1])[0]) for found in objects]


# The 300 images that SpLiCE tests on, and the 300 that it trains on: of women and men, with and without glasses, the
# first 75 of each kind in the order of the list, and the 75 after them.
CELEBA_BLOCKS = {"first_300": slice(75), "second_300": slice(75, 150)}
CELEBA_NAMES = {"Male": ("woman", "man"), "Eyeglasses": ("person without glasses", "person with glasses")}


def _celeba_rows(data: Any, split: str) -> list[int]:
    """Return which of the faces of CelebA a split has."""
    if split not in CELEBA_BLOCKS:
        return list(range(len(data.attr)))
    male, glasses = (data.attr[:, data.attr_names.index(name)] for name in CELEBA_NAMES)
    kind = 2 * male + glasses
    return sorted(row for one in range(4) for row in (kind == one).nonzero()[CELEBA_BLOCKS[split], 0].tolist())


def _celeba_values(attribute: str) -> tuple[str, str]:
    """Return what faces without and with an attribute are called."""
    word = attribute.replace("_", " ").lower()
    return CELEBA_NAMES.get(attribute, (f"not {word}", word))


KINDS: Mapping[str, Kind] = {
    "cifar10": Kind(_pooled(sets.CIFAR10), TRAIN_OR_TEST, None, lambda data: data.targets),
    "cifar100": Kind(_pooled(sets.CIFAR100), TRAIN_OR_TEST, None, lambda data: data.targets),
    "stl10": Kind(sets.STL10, _by_name("train", "test"), None, lambda data: data.labels.tolist()),
    "sun397": Kind(sets.SUN397, ALL, _image_files, _labels),
    "caltech101": Kind(sets.Caltech101, ALL, _caltech_files, lambda data: data.y, lambda data: data.categories),
    "voc2007": Kind(
        sets.VOCDetection,
        {split: {"image_set": split} for split in ("train", "val", "trainval", "test")},
        lambda data: [Path(file) for file in data.images],
        _largest,
        lambda data: VOC_CLASSES,
        {"year": "2007"},
    ),
    "flowers102": Kind(sets.Flowers102, _by_name("train", "val", "test"), _image_files, _labels),
    "dtd": Kind(sets.DTD, _by_name("train", "val", "test"), _image_files, _labels),
    "fgvc_aircraft": Kind(sets.FGVCAircraft, _by_name("train", "val", "trainval", "test"), _image_files, _labels),
    "pets": Kind(
        sets.OxfordIIITPet, _by_name("trainval", "test"), lambda data: [Path(file) for file in data._images], _labels
    ),
    "food101": Kind(sets.Food101, _by_name("train", "test"), _image_files, _labels),
    "celeba": Kind(
        sets.CelebA,
        {
            **{name: {"split": "valid" if name == "val" else name} for name in ("train", "val", "test")},
            **{name: {"split": "all"} for name in CELEBA_BLOCKS},
        },
        lambda data: [Path(data.root) / data.base_folder / "img_align_celeba" / file for file in data.filename],
        lambda data: [],  # those of one attribute, see `TorchvisionSet`
        lambda data: [],
        {"target_type": "attr"},
    ),
}


class TorchvisionSet(FileSource):
    """A data set of torchvision.

    Args:
        dataset: One of `KINDS`.
        root: Folder in which torchvision keeps it.
        split: As the data set has it; `all` where it has none. Of CelebA also `first_300` and `second_300`, on which
            SpLiCE tests and trains.
        attribute: Of CelebA: the class is whether a face has it.
        name: Short name for tables; by default data set and split.
        limit: Take only so many samples, evenly spread.
        missing_classes: `drop` or `error`, for classes without a text in the backbone.
        exif: `upright`, to turn images as a viewer does, or `ignore`.
        damaged: `error` or `skip`, for images that cannot be read.

    Raises:
        SpliceError: for an unknown data set, split or attribute, or files that are missing or damaged.
    """

    def __init__(
        self,
        dataset: str,
        root: str,
        split: str,
        attribute: str | None = None,
        name: str | None = None,
        limit: int | None = None,
        missing_classes: str = "drop",
        exif: str = "upright",
        damaged: str = "error",
    ) -> None:
        require_choice("dataset", dataset, tuple(KINDS))
        self._kind = KINDS[dataset]
        require_choice(f"split of {dataset}", split, tuple(self._kind.splits))
        super().__init__(name or f"{dataset}_{split}", limit, missing_classes, exif, damaged)
        self._root = require_set(dataset, root)
        try:
            self._data = self._kind.build(self._root, download=False, **self._kind.splits[split], **self._kind.options)
        except (RuntimeError, OSError, ValueError) as error:
            raise not_there(dataset, root, str(error).splitlines()[0]) from error
        self._in_files = self._kind.files is not None
        self._files = list(self._kind.files(self._data)) if self._kind.files is not None else ()
        labels, classes = list(self._kind.labels(self._data)), list(self._kind.classes(self._data))
        if dataset == "celeba":
            rows = _celeba_rows(self._data, split)
            self._files, self._attr = [self._files[row] for row in rows], self._data.attr[rows]
            labels, classes = self._has(attribute)
        elif attribute is not None:
            raise SpliceError(
                f"{key_of('attribute')} is {attribute!r}, but {dataset} has no attributes: set it to null."
            )
        require_files("root", self._files)
        self._describe(self._names(split), labels, classes)

    def _has(self, attribute: str | None) -> tuple[list[int], list[str]]:
        names = [name for name in self._data.attr_names if name]
        if attribute is None or attribute not in names:
            raise SpliceError(
                f"{key_of('attribute', self)} is {attribute!r}, but must be one of CelebA's, like Smiling or "
                "Eyeglasses "
                f"({nearest(str(attribute), names)})."
            )
        return self._attr[:, names.index(attribute)].tolist(), list(_celeba_values(attribute))

    def _names(self, split: str) -> list[str]:
        if not self._in_files:
            return [f"{split}-{place:06d}" for place in range(len(self._data))]
        return [file.relative_to(self._root).as_posix() for file in self._files]

    def picture(self, place: int) -> Stored:
        if self._in_files:
            return super().picture(place)
        found: Image.Image = self._data[place][0]
        return found

    def content(self, places: Sequence[int]) -> str:
        if self._in_files:
            return super().content(places)
        return f"pixels:{tensor_digest(torch.from_numpy(self._data.data[list(places)]))}"

    def _faults(self, sample_ids: Sequence[str]) -> dict[int, str]:
        return super()._faults(sample_ids) if self._in_files else {}

    def attributes(self) -> Mapping[str, Attribute]:
        """Return all attributes of CelebA, by their names in lower case: whether a face has them."""
        if self._kind.build is not sets.CelebA:
            return {}
        has = self._attr[list(self._places)].long()
        names = [name for name in self._data.attr_names if name]
        return {
            name.replace("_", " ").lower(): Attribute(_celeba_values(name), has[:, place])
            for place, name in enumerate(names)
        }

    def truth(self) -> GroundTruth | None:
        """Return the objects of each image of VOC, whatever their number."""
        if self._kind.build is not sets.VOCDetection:
            return None
        found = [[canonical(name) for name, _ in _voc_objects(self._data.targets[place])] for place in self._places]
        names = {canonical(name): canonical(name) for name in VOC_CLASSES}
        objects = tuple(tuple(frozenset((name,)) for name in dict.fromkeys(sample)) for sample in found)
        return GroundTruth(
            names, dict.fromkeys(names, "object"), objects, tuple(frozenset() for _ in found), ("object",)
        )
