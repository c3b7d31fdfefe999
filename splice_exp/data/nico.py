"""NICO++: objects in unusual contexts; the part with each class's own contexts, as SITH reads it.

    ROOT/NICO_unique/<class>/<context>/*.jpg
    ROOT/NICO_unique_official/<class>_<context>_<train|test>.txt      `file label` per line; in names of lists,
                                                                      spaces of a class are hyphens

Lists name files by where their publishers keep them; what follows `NICO_unique/` counts.

References:
    Zhang, He, Xu, Yu, Shen, Cui. NICO++: towards better benchmarking for domain generalization. CVPR 2023.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from splice_exp.core.errors import WHERE, SpliceError, require_choice, require_folder
from splice_exp.core.images.folders import is_clutter
from splice_exp.core.keys import key_of
from splice_exp.core.text.lines import read_lines
from splice_exp.data.pictures import FileSource, require_files
from splice_exp.data.presence.sources import FOLDERS_OF_NICO

SPLITS = ("train", "test")
IMAGES, LISTS = FOLDERS_OF_NICO
SUFFIXES = (".jpg", ".png", ".jpeg")


class Nico(FileSource):
    """The images of a split of NICO++; a class is called as its folder.

    Args:
        root: The folder of both parts.
        split: `train` or `test`.
        name: Short name for tables; by default data set and split.
        limit: Take only so many samples, evenly spread.
        missing_classes: `drop` or `error`, for classes without a text in the backbone.
        exif: `upright`, to turn images as a viewer does, or `ignore`.
        damaged: `error` or `skip`, for images that cannot be read.

    Raises:
        SpliceError: if lists or images are missing, or a list is of no class.
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
        require_choice("split", split, SPLITS)
        super().__init__(name or f"nico_{split}", limit, missing_classes, exif, damaged)
        self._root = require_folder("root", root)
        images = require_folder("root", str(self._root / IMAGES))
        lists = sorted(require_folder("root", str(self._root / LISTS)).glob(f"*_{split}.txt"))
        if not lists:
            raise SpliceError(f"{key_of('root')}: {self._root / LISTS} has no lists *_{split}.txt: {WHERE}.")
        classes = sorted(folder.name for folder in images.iterdir() if folder.is_dir() and not is_clutter(folder.name))
        listed: list[str] = []
        labels: list[int] = []
        for file in lists:
            kind = file.stem.partition("_")[0].replace("-", " ")
            if kind not in classes:
                raise SpliceError(f"{key_of('root')}: {file} is a list of {kind!r}, but {images} has no such folder.")
            # A line ends with a label of the publishers, which is not needed; names of files may hold spaces.
            paths = [line.text.rpartition(" ")[0] for line in read_lines(file, key_of("root"))]
            named = [path.rpartition(f"{IMAGES}/")[2] for path in paths if path.endswith(SUFFIXES)]
            found = [path for path in named if not is_clutter(PurePosixPath(path).name)]
            listed += found
            labels += [classes.index(kind)] * len(found)
        self._files = [images / path for path in listed]
        require_files(f"root: {LISTS}", self._files)
        self._describe(listed, labels, classes)
