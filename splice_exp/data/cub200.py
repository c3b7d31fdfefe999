"""CUB-200-2011: photographs of two hundred species of birds, with what annotators saw of each.

    ROOT/images.txt, image_class_labels.txt, train_test_split.txt, classes.txt      one `number value` per line
    ROOT/images/001.Black_footed_Albatross/*.jpg
    ROOT/attributes/image_attribute_labels.txt      `image attribute present certainty seconds` per line
    ROOT/attributes/attributes.txt                  in some copies beside ROOT

References:
    Wah, Branson, Welinder, Perona, Belongie. The Caltech-UCSD Birds-200-2011 dataset. CNS-TR-2011-001, 2011.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import torch
from jaxtyping import Int64
from torch import Tensor

from splice_exp.core.errors import SpliceError, require_choice, require_file, require_folder
from splice_exp.core.io import digest, file_digest
from splice_exp.core.keys import key_of
from splice_exp.core.text.lines import read_lines
from splice_exp.core.types import Attribute
from splice_exp.data.pictures import FileSource, require_files

SPLITS = {"train": "1", "test": "0"}
ATTRIBUTES = "attributes"


class Cub200(FileSource):
    """The images of a split of CUB-200-2011; a class is called as its folder, without number and underscores.

    Args:
        root: Its folder, as it is unpacked.
        split: `train` or `test`.
        name: Short name for tables; by default data set and split.
        limit: Take only so many samples, evenly spread.
        missing_classes: `drop` or `error`, for classes without a text in the backbone.
        exif: `upright`, to turn images as a viewer does, or `ignore`.
        damaged: `error` or `skip`, for images that cannot be read.

    Raises:
        SpliceError: if lists or images are missing, or lists contradict each other.
    """

    def __init__(
        self,
        root: str,
        split: str,
        name: str | None = None,
        limit: int | None = None,
        missing_classes: str = "drop",
        exif: str = "upright",
        damaged: str = "error",
    ) -> None:
        require_choice("split", split, tuple(SPLITS))
        super().__init__(name or f"cub200_{split}", limit, missing_classes, exif, damaged)
        self._root = require_folder("root", root)
        species = self._list("classes.txt")
        parts, labels, files = (
            self._list(f"{table}.txt") for table in ("train_test_split", "image_class_labels", "images")
        )
        self._numbers = [number for number in files if parts.get(number) == SPLITS[split]]
        place = {number: index for index, number in enumerate(species)}
        unknown = [files[number] for number in self._numbers if labels.get(number) not in place]
        if unknown:
            raise SpliceError(
                f"{key_of('root')}: image_class_labels.txt of {root} gives {unknown[0]} no class of classes.txt: "
                "unpack the data set again."
            )
        self._files = [self._root / "images" / files[number] for number in self._numbers]
        require_files(f"root: {self._root / 'images.txt'}", self._files)
        self._describe(
            [files[number] for number in self._numbers],
            [place[labels[number]] for number in self._numbers],
            [folder.partition(".")[2].replace("_", " ") for folder in species.values()],
        )

    def _list(self, name: str) -> dict[str, str]:
        """Read a list of numbers and what they stand for."""
        file = require_file("root", str(self._root / name))
        lines = [line.text.split() for line in read_lines(file, key_of("root"))]
        odd = [line for line in lines if len(line) != 2]
        if odd:
            raise SpliceError(
                f"{key_of('root')}: {file} has the line {' '.join(odd[0])!r}, but needs a number and one word."
            )
        return {line[0]: line[1] for line in lines}

    def attributes(self) -> Mapping[str, Attribute]:
        """Return all attributes, like `bill shape: dagger`: whether an annotator saw it in the image.

        Raises:
            SpliceError: if their files are missing.
        """
        names, has = self._attribute_names, self._annotated
        return {name: Attribute((f"not {name}", name), has[:, column]) for column, name in enumerate(names.values())}

    def described_by(self) -> str:
        """Identify the files of the attributes, where they are."""
        files = (self._root / self._attribute_list, self._root / ATTRIBUTES / "image_attribute_labels.txt")
        return digest([file_digest(file) for file in files if file.is_file()])

    @property
    def _attribute_list(self) -> Path:
        beside, inside = self._root.parent / "attributes.txt", Path(ATTRIBUTES) / "attributes.txt"
        return inside if (self._root / inside).is_file() or not beside.is_file() else beside.resolve()

    @cached_property
    def _attribute_names(self) -> dict[str, str]:
        coded = self._list(str(self._attribute_list))
        return {
            number: code.removeprefix("has_").replace("::", ": ").replace("_", " ") for number, code in coded.items()
        }

    @cached_property
    def _annotated(self) -> Int64[Tensor, "n a"]:
        row = {self._numbers[place]: index for index, place in enumerate(self._places)}
        column = {number: index for index, number in enumerate(self._attribute_names)}
        has = torch.zeros(len(row), len(column), dtype=torch.int64)
        file = require_file("root", str(self._root / ATTRIBUTES / "image_attribute_labels.txt"))
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                image, attribute, present = line.split(maxsplit=3)[:3]  # what follows has more columns in some lines
                if present == "1" and image in row:
                    has[row[image], column[attribute]] = 1
        return has
