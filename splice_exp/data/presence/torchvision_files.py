"""Where torchvision keeps its data sets, under a folder that they share."""

from __future__ import annotations

from pathlib import Path

from splice_exp.core.errors import PREPARE, SpliceError
from splice_exp.core.keys import key_of

# Files and folders without which torchvision does not read any split; how they look inside, it checks itself.
NEEDED: dict[str, tuple[str, ...]] = {
    "cifar10": ("cifar-10-batches-py/batches.meta",),
    "cifar100": ("cifar-100-python/meta",),
    "stl10": ("stl10_binary",),
    "sun397": ("SUN397/ClassName.txt",),
    "caltech101": ("caltech101/101_ObjectCategories",),
    "voc2007": ("VOCdevkit/VOC2007/ImageSets", "VOCdevkit/VOC2007/JPEGImages"),
    "flowers102": ("flowers-102/jpg", "flowers-102/imagelabels.mat", "flowers-102/setid.mat"),
    "dtd": ("dtd/dtd/images", "dtd/dtd/labels"),
    "fgvc_aircraft": ("fgvc-aircraft-2013b/data",),
    "pets": ("oxford-iiit-pet/images", "oxford-iiit-pet/annotations"),
    "food101": ("food-101/images", "food-101/meta"),
    "celeba": ("celeba/list_attr_celeba.txt", "celeba/list_eval_partition.txt", "celeba/img_align_celeba"),
}


def not_there(dataset: str, root: str, why: str) -> SpliceError:
    """Return the error about a data set that is missing or damaged, and says which command gets it.

    Args:
        dataset: As prepare-data names it.
        root: Folder of all data sets.
        why: What was wrong, in words.
    """
    return SpliceError(
        f"{key_of('root')} is {root!r}, but {dataset} is not there or damaged ({why}): {PREPARE} {dataset} --root "
        f"{root} puts it there."
    )


def require_set(dataset: str, root: str) -> Path:
    """Return the existing folder in which torchvision keeps a data set.

    Args:
        dataset: One of `NEEDED`; others are left to whoever reads them.
        root: The folder.

    Raises:
        SpliceError: naming what is missing, and the command that puts it there.
    """
    folder = Path(root).expanduser()
    for name in NEEDED.get(dataset, ()):
        if not (folder / name).exists():
            raise not_there(dataset, root, f"there is no {folder / name}")
    return folder
