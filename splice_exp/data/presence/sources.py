"""Files and folders of a configured data set. Its class looks again when it is built, and refuses with the same words.

A new kind of data set has an entry in `LOOKS`; without one it is found missing when it is built, seconds later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from splice_exp.core.errors import PREPARE, SpliceError, require_file, require_folder
from splice_exp.core.keys import key_of
from splice_exp.core.text.lines import read_text
from splice_exp.data.presence.named_files import require_images, require_tar_files
from splice_exp.data.presence.torchvision_files import require_set

Node = Mapping[str, Any]
ABSENT = "???"  # a value that must be given: whoever reads the configuration says so

FOLDERS_OF_NICO = ("NICO_unique", "NICO_unique_official")
LISTS_OF_CUB = ("classes.txt", "train_test_split.txt", "image_class_labels.txt", "images.txt")
TABLES_OF_EUROSAT = ("metadata.csv", "split_coop.csv")


def require_source(node: Node) -> None:
    """Refuse a data set whose files are missing.

    Args:
        node: Of its configuration.

    Raises:
        SpliceError: naming the key, the file, and how it is had.
    """
    look = LOOKS.get(str(node.get("_target_")))
    if look is not None and ABSENT not in node.values():
        with suppress(LookupError, TypeError, OSError):  # of arguments that its class refuses in better words
            look(node)


def _folder(node: Node, argument: str = "root") -> Path | None:
    """Return a folder that exists; None if the value names none, which the class of the data explains."""
    return require_folder(argument, node[argument]) if isinstance(node.get(argument), str) else None


def _file(node: Node, argument: str) -> None:
    if isinstance(node.get(argument), str):
        require_file(argument, node[argument])


def _classes(node: Node) -> None:
    """Look for the list of class names."""
    if isinstance(node.get("classes"), str):
        read_text(node["classes"], key_of("classes"))


def _inside(node: Node, *names: str) -> None:
    """Look for files in the folder of a data set."""
    if (folder := _folder(node)) is not None:
        for name in names:
            require_file("root", str(folder / name))


def _torchvision(node: Node) -> None:
    if isinstance(node.get("root"), str):
        require_set(str(node["dataset"]), node["root"])


def _voc_pairs(node: Node) -> None:
    if isinstance(node.get("root"), str):
        require_set("voc2007", node["root"])


def _images(node: Node) -> None:
    if (folder := _folder(node)) is not None and not any(folder.iterdir()):
        raise SpliceError(f"{key_of('root')} is {node['root']!r}, but that folder is empty: put your images there.")
    if node.get("classes") != "imagenet":
        _classes(node)


def _captions(node: Node) -> None:
    _file(node, "annotations")
    _folder(node)


def _table(node: Node) -> None:
    _file(node, "table")
    _folder(node)


def _mura(node: Node) -> None:
    _inside(node, f"{node['split']}_image_paths.csv")


def _nico(node: Node) -> None:
    if (folder := _folder(node)) is not None:
        for name in FOLDERS_OF_NICO:
            require_folder("root", str(folder / name))


def _clip_retrieval(node: Node) -> None:
    if (folder := _folder(node)) is not None:
        require_folder("root", str(folder / "img_emb"))
    _classes(node)


def _embeddings(node: Node) -> None:
    for argument in ("path", "labels"):
        given = node.get(argument)
        if isinstance(given, str) and not Path(given).expanduser().is_file():
            raise SpliceError(f"{key_of(argument)} is {given!r}, but there is no such file.")
    _classes(node)


def _tar_files(node: Node) -> None:
    if isinstance(node["shards"], str) or _are_names(node["shards"]):
        require_tar_files("shards", node["shards"])
    _classes(node)


def _pictures(node: Node) -> None:
    for path in node["paths"] if _are_names(node["paths"]) else ():
        require_images("paths", path)


def _are_names(value: object) -> bool:
    """Say whether a value is a list of strings; what else it may be is refused by the class of the data."""
    return not isinstance(value, str) and isinstance(value, Sequence) and all(isinstance(name, str) for name in value)


def _saved(node: Node) -> None:
    if not node.get("streaming"):
        require_saved(node["path"])


def require_saved(path: str) -> Path:
    """Return the folder of a data set of Hugging Face that was saved.

    Raises:
        SpliceError: if it does not exist, saying what saves one.
    """
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise SpliceError(
            f"{key_of('path')} is {path!r}, but there is no such folder: {PREPARE} huggingface saves one."
        )
    return folder


LOOKS: Mapping[str, Callable[[Node], None]] = {
    "splice_exp.data.archives.clip_retrieval.ClipRetrieval": _clip_retrieval,
    "splice_exp.data.archives.web_dataset.WebDataset": _tar_files,
    "splice_exp.data.coco_captions.CocoCaptions": _captions,
    "splice_exp.data.cub200.Cub200": lambda node: _inside(node, *LISTS_OF_CUB),
    "splice_exp.data.embeddings_file.EmbeddingsFile": _embeddings,
    "splice_exp.data.eurosat.EuroSat": lambda node: _inside(node, *TABLES_OF_EUROSAT),
    "splice_exp.data.huggingface.HuggingFaceSet": _saved,
    "splice_exp.data.image_folder.ImageFolder": _images,
    "splice_exp.data.image_table.ImageTable": _table,
    "splice_exp.data.mura.Mura": _mura,
    "splice_exp.data.nico.Nico": _nico,
    "splice_exp.data.pair_table.PairTable": _table,
    "splice_exp.data.picture_files.PictureFiles": _pictures,
    "splice_exp.data.torchvision_sets.TorchvisionSet": _torchvision,
    "splice_exp.data.voc_pairs.VocPairs": _voc_pairs,
}
