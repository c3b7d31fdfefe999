"""Put published data sets where the configuration looks for them: the only place where anything is downloaded.

    python -m splice_exp prepare-data cifar100 stl10 [--root data]
    python -m splice_exp prepare-data coco [--root data]
    python -m splice_exp prepare-data huggingface --path NAME [--config C] [--split S] [--revision R] [--root data]

torchvision checks what it gets by its own checksums; COCO, Waterbirds, CUB-200-2011 and EuroSAT are fetched with
resume, and checked by what is published, SHA-256 or MD5; where nothing is, the SHA-256 of the first download is noted
beside the data, and a later one must have the same. CelebA needs gdown: pip install 'splice-exp[data]'. NICO++ is put
there by hand, and only looked for. What is there and whole is not fetched again. A data set of Hugging Face is saved to
ROOT/NAME, or ROOT/NAME-CONFIG-SPLIT-REVISION with what was given, for `data=huggingface data.path=…`.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from splice_exp.commands import parser_of
from splice_exp.commands.torchvision_names import Kinds
from splice_exp.core.errors import SpliceError
from splice_exp.core.io import write_text
from splice_exp.core.text.visible import say

CHUNK = 1 << 20
MD5_LENGTH = 32  # hexadecimal digits


class Archive(NamedTuple):
    """A file to fetch and unpack; `holds` is there when it has been unpacked; a table is that itself.

    Attributes:
        url: Where it is fetched from.
        checksum: As published, hexadecimal: SHA-256, or MD5 where it has 32 digits; None where there is none.
        folder: Under the root, where it is unpacked.
        holds: A file or a folder inside it that exists once everything is unpacked.
    """

    url: str
    checksum: str | None  # published: SHA-256, else MD5
    folder: str
    holds: str


COCO = "http://images.cocodataset.org"
# Class names and splits of CoOp, from where SITH takes them.
COOP_SPLITS = "https://raw.githubusercontent.com/vturrisi/disef/refs/heads/main/fine-tune/artifacts"
EUROSAT = "f46e308c4d50d4bf32fedad2d3d62f3b"  # MD5 of Zenodo
ARCHIVES: dict[str, tuple[Archive, ...]] = {
    "coco": (
        Archive(
            f"{COCO}/annotations/annotations_trainval2017.zip",
            "f4bbac642086de4f52a3fdda2de5fa2c",
            "coco",
            "annotations/captions_val2017.json",
        ),
        Archive(f"{COCO}/zips/val2017.zip", "442b8da7639aecaf257c1dceb8ba8c80", "coco", "val2017"),
    ),
    "coco_train": (Archive(f"{COCO}/zips/train2017.zip", "cced6f7f71b7629ddf16f17bbcfab6b2", "coco", "train2017"),),
    "cub200": (
        Archive(
            "https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz",
            "97eceeb196236b17998738112f37df78",
            "",
            "CUB_200_2011/train_test_split.txt",
        ),
    ),
    "eurosat": (
        Archive("https://zenodo.org/records/7711810/files/EuroSAT_RGB.zip", EUROSAT, "eurosat", "EuroSAT_RGB"),
        Archive(f"{COOP_SPLITS}/eurosat/metadata.csv", None, "eurosat", "metadata.csv"),
        Archive(f"{COOP_SPLITS}/eurosat/split_coop.csv", None, "eurosat", "split_coop.csv"),
    ),
    "waterbirds": (
        Archive(
            "https://nlp.stanford.edu/data/dro/waterbird_complete95_forest2water2.tar.gz",
            None,
            "",
            "waterbird_complete95_forest2water2/metadata.csv",
        ),
    ),
}
KINDS = Kinds()
BY_HAND = {"nico": ("NICO", ("NICO_unique", "NICO_unique_official"))}


def checksum_of(path: Path, kind: str = "sha256") -> str:
    """Hash the bytes of a file.

    Args:
        path: The file.
        kind: As `hashlib` names it.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def fetch(url: str, path: Path, checksum: str | None) -> None:
    """Download a file, going on where an earlier attempt stopped.

    What an earlier attempt left is thrown away where nothing says that it belongs to this file, or if it is longer.

    Args:
        url: Of the file.
        path: Where it goes.
        checksum: Published SHA-256 or MD5, hexadecimal. Without one, the SHA-256 that was found is noted beside the
            file, and a later download must have the same.

    Raises:
        SpliceError: if the server does not answer, or the file has another checksum.
    """
    part = path.with_name(f"{path.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    known = checksum or _version(part).is_file()  # else nothing would find out that it is of another file
    there = part.stat().st_size if part.is_file() and known else 0
    try:
        size = _download(url, part, there)
        if there and part.stat().st_size > (size or (part.stat().st_size if checksum else 0)):
            size = _download(url, part, 0)
        if size is not None and part.stat().st_size != size:
            raise OSError(f"the download broke off after {part.stat().st_size:,} of {size:,} bytes")
    except OSError as error:
        raise SpliceError(f"{url} cannot be fetched ({error}); run the same command to go on.") from error
    _verify(url, part, path, checksum)
    part.rename(path)


def _version(part: Path) -> Path:
    """Return the file in which the server's name of a version is noted."""
    return part.with_name(f"{part.name}.version")


def _download(url: str, part: Path, there: int) -> int | None:
    """Write what is missing of a file; return the size of the whole, where the server says it."""
    headers = {"Accept-Encoding": "identity"}
    seen = _version(part)
    version = seen.read_text(encoding="utf-8") if there and seen.is_file() else ""
    if there:
        headers |= {"Range": f"bytes={there}-", **({"If-Range": version} if version else {})}
    try:
        answer = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        # Nothing is left to send: all is there, or more than that.
        whole = (error.headers.get("Content-Range") or "").rpartition("/")[2]
        return int(whole) if whole.isdecimal() else None
    with answer:
        resumed = answer.status == 206  # else the server sends all of it again
        announced = answer.headers.get("Content-Length")
        version = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
        if version and not version.startswith("W/"):  # weak ones do not tell bytes apart
            seen.write_text(version, encoding="utf-8")
        with part.open("ab" if resumed else "wb") as file:
            shutil.copyfileobj(answer, file, CHUNK)
        return None if announced is None else int(announced) + (there if resumed else 0)


def _verify(url: str, part: Path, path: Path, checksum: str | None) -> None:
    """Refuse a download with another checksum than the published one, or than the one of the first download."""
    kind = "md5" if checksum and len(checksum) == MD5_LENGTH else "sha256"
    found = checksum_of(part, kind)
    noted = path.with_name(f"{path.name}.sha256")
    expected = checksum or (noted.read_text(encoding="utf-8").strip() if noted.is_file() else None)
    _version(part).unlink(missing_ok=True)
    if expected is None:
        write_text(noted, f"{found}\n")
        say(f"{url} has SHA-256 {found}; none is published, so it is noted in {noted}")
    elif found != expected:
        part.unlink()
        cure = (
            "run the same command again"
            if checksum
            else f"run the same command again, or remove {noted} if the publishers have replaced the file"
        )
        raise SpliceError(f"{url} has {kind.upper()} {found}, but should have {expected}: it was removed, {cure}.")


def unpack(path: Path, folder: Path) -> None:
    """Unpack a zip or tar file; members that would lie outside the folder are refused.

    Args:
        path: Ends with `.zip`; any other is read as tar, compressed or not.
        folder: Where its members go.

    Raises:
        SpliceError: if it is damaged, or would write elsewhere.
    """
    try:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                archive.extractall(folder)
        else:
            with tarfile.open(path) as archive:
                archive.extractall(folder, filter="data")
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, tarfile.TarError) as error:
        raise SpliceError(f"{path} cannot be unpacked ({error}): remove it, and run the same command again.") from error


def prepare_archives(name: str, root: Path) -> None:
    """Fetch, check and unpack what is missing.

    Args:
        name: A key of `ARCHIVES`.
        root: Folder of all data sets.

    Raises:
        SpliceError: if a file cannot be fetched, is not as published, or cannot be unpacked.
    """
    for archive in ARCHIVES[name]:
        folder = root / archive.folder
        path = folder / archive.url.rsplit("/", 1)[1]
        table = path == folder / archive.holds
        if (folder / archive.holds).exists() and (table or not path.is_file()):  # an archive stays until it is unpacked
            say(f"{folder / archive.holds} is there")
            continue
        if path.is_file():
            _verify(archive.url, path, path, archive.checksum)  # it may have been put there by hand
        else:
            say(f"fetching {archive.url} …", flush=True)
            fetch(archive.url, path, archive.checksum)
        if not table:
            unpack(path, folder)
            path.unlink()
        say(f"{folder / archive.holds} is there")


def prepare_torchvision(name: str, root: Path) -> None:
    """Let torchvision download and check all splits.

    Args:
        name: A key of `KINDS`.
        root: Folder of all data sets; created where it does not exist.

    Raises:
        SpliceError: if it cannot be downloaded, or `gdown` is needed and not installed.
    """
    kind = KINDS[name]
    root.mkdir(parents=True, exist_ok=True)
    for split, arguments in kind.splits.items():
        try:
            kind.build(root, download=True, **arguments, **kind.options)
        except (RuntimeError, OSError, ValueError) as error:
            if "gdown" in str(error) and find_spec("gdown") is None:
                raise SpliceError(
                    f"{name} is fetched from Google Drive by gdown, which is not installed: "
                    "pip install 'splice-exp[data]'."
                ) from error
            raise SpliceError(f"{name}, split {split}, cannot be obtained: {error}") from error
        say(f"{name}, split {split}, is in {root}")


def check_by_hand(name: str, root: Path) -> None:
    """Say whether a data set that no address gives is where it should be.

    Args:
        name: A key of `BY_HAND`.
        root: Folder of all data sets.

    Raises:
        SpliceError: saying where its publishers' folders go.
    """
    folder, parts = BY_HAND[name]
    missing = [part for part in parts if not (root / folder / part).is_dir()]
    if missing:
        raise SpliceError(
            f"{name} has no public address that a program can fetch: put {' and '.join(missing)}, as its publishers "
            f"hand it on, into {root / folder}."
        )
    say(f"{root / folder} is there")


def prepare_huggingface(path: str, config: str | None, split: str | None, revision: str | None, root: Path) -> None:
    """Download a data set and save it as one folder.

    Args:
        path: Of the data set on the hub, `owner/name`.
        config: Name of its configuration, where it has several.
        split: Like `test`; None: all of them.
        revision: Commit, tag or branch; None: the newest.
        root: Folder in which the saved one lies, named after all of these.

    Raises:
        SpliceError: if the hub has no such data set, or it cannot be downloaded.
    """
    from datasets import load_dataset

    target = root / "-".join([path.rsplit("/", 1)[-1], *filter(None, (config, split, revision))])
    if target.exists():
        say(f"{target} is there")
        return
    try:
        found = load_dataset(path, config, split=split, revision=revision)
    except (OSError, ValueError) as error:
        raise SpliceError(f"{path} cannot be obtained: {str(error).strip().splitlines()[0]}") from error
    unfinished = target.with_name(f".{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    found.save_to_disk(str(unfinished))
    unfinished.rename(target)
    say(f"{target} is there")


def main(arguments: Sequence[str]) -> None:
    """Prepare each data set named; exit code 1 at the first that cannot be had."""
    parser = parser_of("prepare-data", __doc__)
    choices = [*KINDS, *ARCHIVES, *BY_HAND, "huggingface"]
    parser.add_argument("data", nargs="+", choices=choices, metavar="DATA", help=", ".join(choices))
    parser.add_argument("--root", type=Path, default=Path("data"), help="paths.data of the configuration")
    parser.add_argument("--path", help="name of a data set of Hugging Face")
    parser.add_argument("--config", help="of a data set that has several")
    parser.add_argument("--split", help="only this one")
    parser.add_argument("--revision", help="commit or tag, for the same data tomorrow")
    chosen = parser.parse_args(arguments)
    if ("huggingface" in chosen.data) != (chosen.path is not None):
        parser.error("huggingface needs --path NAME, and --path needs huggingface")
    for name in chosen.data:
        if name == "huggingface":
            prepare_huggingface(chosen.path, chosen.config, chosen.split, chosen.revision, chosen.root)
        elif name in KINDS:
            prepare_torchvision(name, chosen.root)
        elif name in BY_HAND:
            check_by_hand(name, chosen.root)
        else:
            prepare_archives(name, chosen.root)
