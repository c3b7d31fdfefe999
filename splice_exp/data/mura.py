"""MURA: X-rays of upper limbs, positive where a radiologist saw something abnormal in the study.

    ROOT/train_image_paths.csv, ROOT/valid_image_paths.csv      one file per line, without a header
    ROOT/train/XR_WRIST/patient00001/study1_positive/image1.png

References:
    Rajpurkar et al. MURA: large dataset for abnormality detection in musculoskeletal radiographs. MIDL 2018.
"""

from __future__ import annotations

from pathlib import Path

from splice_exp.core.errors import SpliceError, require_choice, require_file, require_folder, shown
from splice_exp.core.images.folders import is_clutter
from splice_exp.core.keys import key_of
from splice_exp.core.text.lines import read_lines
from splice_exp.data.pictures import FileSource, require_files

SPLITS = ("train", "valid")
CLASSES = ("negative", "positive")


class Mura(FileSource):
    """The images of a split of MURA; the class is that of their study.

    Args:
        root: Its folder, as it is unpacked.
        split: `train` or `valid`.
        name: Short name for tables; by default data set and split.
        limit: Take only so many samples, evenly spread.
        missing_classes: `drop` or `error`, for classes without a text in the backbone.
        exif: `upright`, to turn images as a viewer does, or `ignore`.
        damaged: `error` or `skip`, for images that cannot be read.

    Raises:
        SpliceError: if lists or images do not exist, or a study says nothing of its class.
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
        super().__init__(name or f"mura_{split}", limit, missing_classes, exif, damaged)
        self._root = require_folder("root", root)
        table = require_file("root", str(self._root / f"{split}_image_paths.csv"))
        listed = [Path(line.text) for line in read_lines(table, key_of("root"))]
        # Lists name files from the folder of the data set on; macOS left its own files among them.
        named = [Path(*path.parts[1:]) for path in listed if not is_clutter(path.name)]
        self._files = [self._root / path for path in named]
        require_files(f"root: {table}", self._files)
        kinds = [path.parent.name.rpartition("_")[2] for path in named]
        if not set(kinds) <= set(CLASSES):
            odd = [str(path) for path, kind in zip(named, kinds, strict=True) if kind not in CLASSES]
            raise SpliceError(
                f"{key_of('root')}: studies of {table} must end in _negative or _positive, but {shown(odd)} do not."
            )
        self._describe([path.as_posix() for path in named], [CLASSES.index(kind) for kind in kinds], CLASSES)
