"""EuroSAT: satellite images of ten kinds of land, with the class names and the split of CoOp that SITH uses.

    ROOT/EuroSAT_RGB/AnnualCrop/AnnualCrop_1.jpg      the publishers' archive; also as ROOT/images or ROOT/2750
    ROOT/metadata.csv       folder_name, class_name, ...
    ROOT/split_coop.csv     filename (from the folder of images on), split (train, val, test), ...

References:
    Helber, Bischke, Dengel, Borth. EuroSAT: a novel dataset and deep learning benchmark for land use and land cover
    classification. IEEE J. Sel. Topics Appl. Earth Obs. 12(7), 2019.
    Zhou, Yang, Loy, Liu. Learning to prompt for vision-language models. IJCV 2022 (CoOp).
"""

from __future__ import annotations

from pathlib import Path

from splice_exp.core.errors import WHERE, SpliceError, require_choice, require_file, require_folder, shown
from splice_exp.core.keys import key_of
from splice_exp.core.text.tables import read_table
from splice_exp.data.pictures import FileSource, require_files

SPLITS = ("train", "val", "test")
IMAGES = ("EuroSAT_RGB", "images", "2750")  # as the archive, the authors of SITH and an older archive call it


class EuroSat(FileSource):
    """The images of a split of EuroSAT.

    Args:
        root: Its folder.
        split: `train`, `val` or `test`, of CoOp.
        name: Short name for tables; by default data set and split.
        limit: Take only so many samples, evenly spread.
        missing_classes: `drop` or `error`, for classes without a text in the backbone.
        exif: `upright`, to turn images as a viewer does, or `ignore`.
        damaged: `error` or `skip`, for images that cannot be read.

    Raises:
        SpliceError: if lists or images are missing, or a folder has no class name.
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
        super().__init__(name or f"eurosat_{split}", limit, missing_classes, exif, damaged)
        self._root = require_folder("root", root)
        images = next((self._root / folder for folder in IMAGES if (self._root / folder).is_dir()), None)
        if images is None:
            raise SpliceError(f"{key_of('root')} is {root!r}, but has no folder {', '.join(IMAGES)}: {WHERE}.")
        names = dict(self._columns("metadata.csv", "folder_name", "class_name"))
        listed = [file for file, part in self._columns("split_coop.csv", "filename", "split") if part == split]
        unnamed = sorted({Path(file).parent.name for file in listed} - names.keys())
        if unnamed:
            raise SpliceError(f"{key_of('root')}: metadata.csv of {root} names no class for {shown(unnamed)}: {WHERE}.")
        self._files = [images / file for file in listed]
        require_files(f"root: {self._root / 'split_coop.csv'}", self._files)
        place = {folder: index for index, folder in enumerate(names)}
        self._describe(listed, [place[Path(file).parent.name] for file in listed], list(names.values()))

    def _columns(self, name: str, first: str, second: str) -> list[tuple[str, str]]:
        """Read two columns of a csv file."""
        file = require_file("root", str(self._root / name))
        table = read_table(file, key_of("root"))
        if absent := [column for column in (first, second) if column not in table.names]:
            raise SpliceError(f"{key_of('root')}: {file} has no column {', '.join(absent)}: {WHERE}.")
        return list(zip(table.column(first, key_of("root")), table.column(second, key_of("root")), strict=True))
