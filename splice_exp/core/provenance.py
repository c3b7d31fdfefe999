"""Where a number comes from: the identity of a run, and the environment it ran in."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from splice_exp import __version__
from splice_exp.core.code import code_digest
from splice_exp.core.errors import SpliceError
from splice_exp.core.images.folders import files_below
from splice_exp.core.io import digest, file_digest, files_digest

# What decides the numbers; launcher, logger, paths, report and device do not.
SCIENCE = ("backbone", "data", "vocabulary", "dictionary", "alignment", "solver", "evaluation", "stability", "seed")
NOT_SCIENCE = ("cache", "name")  # keys inside components that say where something lies, or how a table calls it
FILES = ("path", "texts", "labels", "classes", "image_mean")  # keys whose values may be files without a suffix
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
PICTURES = "paths"  # files and folders; of these, what lies directly in them
FOLDERS = ("root", "path", PICTURES)  # keys whose values may be folders
PUBLISHED = ".TorchvisionSet"
CHECKPOINT = "local-dir:"  # before a folder of weights …
WEIGHTS = (".json", ".safetensors", ".bin", ".pt", ".pth", ".gz", ".txt")  # … of which a card and pictures do not count


def _listing(folder: Path, deep: bool = True) -> str:
    """Digest all files in a folder, or those that lie directly in it."""
    try:
        return files_digest(folder, [path for path in files_below(folder, deep) if path.is_file()])
    except SpliceError:  # the run will meet it, too, and say it in a sentence
        return "unreadable"


def _by_content(value: Any, key: str = "") -> Any:
    """Replace every file by the digest of its content: a run is the same wherever its files lie, and no other."""
    if isinstance(value, Mapping):
        # A published set lies in a folder with others, and what it holds is known.
        kept = ("root",) if str(value.get("_target_", "")).endswith(PUBLISHED) else ()
        return {
            name: item if name in kept else _by_content(item, name)
            for name, item in value.items()
            if name not in NOT_SCIENCE
        }
    if isinstance(value, (list, tuple)):
        return [_by_content(item, key) for item in value]
    if isinstance(value, str) and value.startswith(CHECKPOINT):
        files = sorted(path for path in Path(value.removeprefix(CHECKPOINT)).glob("*") if path.suffix in WEIGHTS)
        return {"folder": {path.name: file_digest(path) for path in files}}
    if isinstance(value, str) and (key in (*FILES, PICTURES) or Path(value).suffix):
        file = Path(value).expanduser()
        if file.is_file():  # a picture is known by its name, too: tables show it
            return {"file": file_digest(file), **({"name": value} if key == PICTURES else {})}
    if isinstance(value, str) and key in FOLDERS and Path(value).expanduser().is_dir():
        return {"folder": _listing(Path(value).expanduser(), deep=key != PICTURES)}
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
        config: Resolved configuration; only the keys of `SCIENCE` count, so report and record do not.
    """
    return code_digest(sorted({target for key in SCIENCE if key in config for target in _targets(config[key])}))


def run_id(config: Mapping[str, Any]) -> str:
    """Return the identity of a run: a digest of its resolved science configuration, input files and code.

    Args:
        config: Resolved configuration; only the keys of `SCIENCE` count.
    """
    science = {key: _by_content(config[key]) for key in SCIENCE if key in config}
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
    """Describe code, machine and command, so that a record says how to get it again."""
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
