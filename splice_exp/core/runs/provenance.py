"""Where a number comes from: the identity of a run, and the environment it ran in."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from splice_exp import __version__
from splice_exp.core.assets import LOCAL
from splice_exp.core.images.folders import SUFFIXES
from splice_exp.core.io import digest, file_digest, files_digest
from splice_exp.core.runs.code import PACKAGE, code_digest
from splice_exp.core.runs.trusted import KEY as TRUST
from splice_exp.core.runs.trusted import sources

# What decides the numbers; launcher, logger, paths, report and device do not.
SCIENCE = ("backbone", "data", "vocabulary", "dictionary", "alignment", "solver", "evaluation", "stability", "seed")
NOT_SCIENCE = ("cache", "name")  # keys inside components that say where something lies, or how a table calls it
# Keys whose values may be files without a suffix.
FILES = ("path", "texts", "labels", "classes", "image_mean", "table", "annotations")
PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "scikit-learn",
    "hydra-core",
    "omegaconf",
    "torchmetrics",
    "torchvision",
    "open_clip_torch",
    "lightning",
    "safetensors",
    "wandb",
)
PICTURES = "paths"  # files and folders; of these, the images that lie directly in them
SAVED = "path"  # file, or the folder of a saved data set …
STATE = "state.json"  # … which lists its files in these
DATA = "splice_exp.data."  # a source of these that has a …
ROOT = "root"  # … is asked for the samples that it finds there
PUBLISHED = ".TorchvisionSet"
SamplesOf = Callable[[Mapping[str, Any]], str | None]
WEIGHTS = (".json", ".safetensors", ".bin", ".pt", ".pth", ".gz", ".txt")  # … of which a card and images do not count


def _images_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())


def _saved_in(folder: Path) -> list[Path]:
    """Return the files of a data set that was saved with `save_to_disk`, in parts or not; caches beside them are none.

    Raises:
        ValueError: if a list of them is damaged.
    """
    found: list[Path] = []
    for state in sorted([*folder.glob(STATE), *folder.glob(f"*/{STATE}")]):
        listed = json.loads(state.read_text(encoding="utf-8"))["_data_files"]
        found += [state, *(state.parent / file["filename"] for file in listed), state.with_name("dataset_info.json")]
    return [file for file in found if file.is_file()]


def _folder(folder: Path, key: str) -> str | None:
    """Digest the files of a folder that are used; None where it cannot be read, of which the run says more."""
    try:
        return files_digest(folder, _images_in(folder) if key == PICTURES else _saved_in(folder))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _by_content(value: Any, samples_of: SamplesOf, key: str = "") -> Any:
    """Replace every file by the digest of its content: a run is the same wherever its files lie, and no other."""
    if isinstance(value, Mapping):
        target = str(value.get("_target_", ""))
        found = {
            # A published set lies in a folder with others, and what it holds is known.
            name: item if name == ROOT and target.endswith(PUBLISHED) else _by_content(item, samples_of, name)
            for name, item in value.items()
            if name not in NOT_SCIENCE
        }
        ours = target.startswith(f"{PACKAGE.name}.")
        if (target.startswith(DATA) or not ours) and target and ROOT in value and not target.endswith(PUBLISHED):
            samples = samples_of(value)
            found[ROOT] = value[ROOT] if samples is None else {"samples": samples}
        return found
    if isinstance(value, (list, tuple)):
        return [_by_content(item, samples_of, key) for item in value]
    if isinstance(value, str) and value.startswith(LOCAL):
        files = sorted(path for path in Path(value.removeprefix(LOCAL)).glob("*") if path.suffix in WEIGHTS)
        return {"folder": {path.name: file_digest(path) for path in files}}
    if isinstance(value, str) and (key in (*FILES, PICTURES) or Path(value).suffix):
        file = Path(value).expanduser()
        if file.is_file():  # an image is also identified by its name: tables show it
            return {"file": file_digest(file), **({"name": value} if key == PICTURES else {})}
    if isinstance(value, str) and key in (SAVED, PICTURES) and Path(value).expanduser().is_dir():
        return {"folder": _folder(Path(value).expanduser(), key) or value}
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)  # 1 and 1.0 are the same penalty
    return value


def _targets(value: Any) -> Iterator[str]:
    """Yield the names of all classes in a part of the configuration."""
    if isinstance(value, Mapping):
        if "_target_" in value:
            yield str(value["_target_"])
        for item in value.values():
            yield from _targets(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _targets(item)


def code_behind(config: Mapping[str, Any]) -> str:
    """Digest the code that the numbers of a run pass through: that of its components, and all that they import.

    Args:
        config: Resolved configuration; only the keys of `SCIENCE` count, so report and record do not. Of the packages
            in `trust`, too, what these components import counts.
    """
    targets = {target for key in SCIENCE if key in config for target in _targets(config[key])}
    return _code(tuple(sorted(targets)), tuple(sorted(config.get(TRUST) or ())))


def trusted_code(config: Mapping[str, Any]) -> dict[str, str]:
    """Digest the whole source of each package that a configuration trusts."""
    return {name: code_digest([name], *sources([name])) for name in sorted(config.get(TRUST) or ())}


@cache  # of a process: it does not change while it runs, and the rows of a sweep share most of it
def _code(targets: tuple[str, ...], trusted: tuple[str, ...]) -> str:
    return code_digest(targets, PACKAGE, *sources(trusted))


def run_id(config: Mapping[str, Any], samples_of: SamplesOf) -> str:
    """Return the identity of a run: a digest of its resolved science configuration, input files and code.

    Args:
        config: Resolved configuration; only the keys of `SCIENCE` count.
        samples_of: Identifies the samples of a data set in a folder, by its configuration; None where that cannot be
            read, of which the run says more.
    """
    science = {key: _by_content(config[key], samples_of) for key in SCIENCE if key in config}
    return digest({"code": code_behind(config), **science})


def _git(*arguments: str) -> str | None:
    """Ask git about the folder of this code; None where it is not a checkout."""
    try:
        answer = subprocess.run(
            ["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def environment(seed: int, device: str) -> dict[str, Any]:
    """Describe code, machine and command, so that a record says how to get it again.

    Args:
        seed: Of the run.
        device: That rows were computed on, in words.

    Returns:
        Versions of package, Python and packages, commit and digest of its changes, command, seed, device and platform.
    """
    changes = _git("diff", "HEAD")
    return {
        "version": __version__,
        "git_commit": _git("rev-parse", "HEAD"),
        "git_diff": hashlib.sha256(changes.encode()).hexdigest()[:16] if changes else None,
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "seed": seed,
        "device": device,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "num_cpus": os.cpu_count(),
        "packages": {package: _version(package) for package in PACKAGES},
    }
