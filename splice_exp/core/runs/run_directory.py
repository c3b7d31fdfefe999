"""What a run leaves in its directory: the names of its files, whether it is complete, and why it is not.

An attempt notes that it has begun, and takes the note away when the record is there. What is left says how the last one
ended, whatever clocks do. Imported without torch, because a second launch only has to look.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from splice_exp.core.errors import SpliceError
from splice_exp.core.io import read_json, write_json
from splice_exp.core.runs.temporaries import remove_leftovers

MEASURES = "measures.json"  # their declarations
METRICS = "metrics.json"  # written last: its presence means complete
SAMPLES = "samples.parquet"
ENVIRONMENT = "environment.json"
CONFIG = "config.yaml"
CODES = "codes.safetensors"
DAMAGED = "damaged.json"  # images that were skipped, and why, by the key of their data set
SAMPLE_FIGURE = "decompositions"  # samples and their concepts, in the folder `figures` of a run
UNFINISHED = "did not finish"
FILES, DATA = "files", "data"  # of the record, in its environment
READ = (".json", ".parquet", ".yaml", ".svg", ".png")  # what reports read or show, and must not have changed

_ERROR = re.compile(r"error(_of_process_(?P<number>\d+))?\.json")
_UNTOLD: dict[Path, str] = {}  # what the disk did not take


def rank() -> int:
    """Return the number of this process among those that a launcher has started for one run."""
    return int(os.environ.get("RANK") or os.environ.get("SLURM_PROCID") or 0)


def _num_processes() -> int:
    return max(rank() + 1, int(os.environ.get("WORLD_SIZE") or os.environ.get("SLURM_NTASKS") or 1))


def _error_file(number: int) -> str:
    return "error.json" if number == 0 else f"error_of_process_{number}.json"


def _errors(directory: Path) -> dict[int, Path]:
    """Return what processes failed by, by their numbers; a copy that someone made is none of it."""
    found = ((_ERROR.fullmatch(path.name), path) for path in sorted(directory.glob("error*.json")))
    return {int(name["number"] or 0): path for name, path in found if name and path.is_file()}


def describe_files(directory: Path, *paths: Path) -> dict[str, list[Any]]:
    """List files of a record with their sizes, and the digests of those that reports read or show.

    Args:
        directory: Of the record.
        paths: Files in it.

    Returns:
        Path in the directory → size in bytes, and digest or None.
    """
    return {
        path.relative_to(directory).as_posix(): [path.stat().st_size, _digest(path) if path.suffix in READ else None]
        for path in sorted(paths)
    }


def describe_text(text: str) -> list[Any]:
    """Return size and digest of a file that is about to be written, in the form of `describe_files`."""
    content = text.encode()
    return [len(content), hashlib.sha256(content).hexdigest()]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def is_complete(directory: Path) -> bool:
    """Say whether the record of a run is there, and is whole."""
    return (directory / METRICS).is_file() and damage(directory) is None


def damage(directory: Path) -> str | None:
    """Name a file of a record that was cut off, changed or removed; None if all are as they were written."""
    for name in (METRICS, ENVIRONMENT):
        try:
            found = read_json(directory / name)
        except SpliceError:
            return name
    if not {FILES, DATA} & found.keys():  # every version has written one of them at least
        return ENVIRONMENT
    for name, (size, digest) in found.get(FILES, {}).items():  # of the environment; earlier versions listed none
        path = directory / name
        if not path.is_file() or path.stat().st_size != size or (digest and _digest(path) != digest):
            return str(name)
    return None


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Wait until no other process writes a record there; where the file system has no locks, do not wait."""
    try:
        import fcntl

        folder = os.open(directory, os.O_RDONLY)
    except (ImportError, OSError):
        yield
        return
    try:
        with suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        with suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_UN)
        os.close(folder)  # as when the process is killed, and the lock with it


def begin_attempt(directory: Path) -> None:
    """Note that the run is not finished, until this attempt is, whatever an earlier one left.

    Raises:
        SpliceError: if the directory cannot be written.
    """
    if rank() == 0:
        for folder in (directory, *(path for path in directory.iterdir() if path.is_dir())):
            remove_leftovers(folder)
        write_json(directory / _error_file(0), {"error": UNFINISHED})


def end_attempt(directory: Path) -> None:
    """Remove the note of `begin_attempt`, and errors of other processes: the record is complete in spite of them."""
    for number, path in _errors(directory).items():
        if rank() in (0, number):
            path.unlink(missing_ok=True)


def write_error(directory: Path, message: str) -> None:
    """Note why this process failed; where the disk does not take that, this process remembers it.

    Args:
        directory: Of the run.
        message: One sentence.
    """
    number = rank()
    shown = message if number == 0 else f"process {number}: {message}"
    try:
        write_json(directory / _error_file(number), {"error": shown, "time": time.time()})
    except SpliceError:
        _UNTOLD[directory.resolve()] = shown


def forget_errors(directory: Path) -> None:
    """Remove what this process failed by in earlier attempts, and processes that there are not in this one."""
    _UNTOLD.pop(directory.resolve(), None)
    for number, path in _errors(directory).items():
        if number == rank() or number >= _num_processes():
            with suppress(OSError):  # then it stays, and is reported again
                path.unlink(missing_ok=True)


def error_of(directory: Path) -> str | None:
    """Return why a run is not complete; None if it is.

    Of several processes the one that failed first says why: the others then lose their connection to it.
    """
    if untold := _UNTOLD.get(directory.resolve()):
        return untold
    if told := [error for path in _errors(directory).values() if (error := _read_error(path))]:
        return min(told)[1]
    return None if is_complete(directory) else UNFINISHED


def _read_error(path: Path) -> tuple[float, str] | None:
    """Return when a process failed, and why; None if the file has just been removed."""
    try:
        found = read_json(path)
    except SpliceError:
        return (float("inf"), UNFINISHED) if path.is_file() else None
    when, why = found.get("time"), found.get("error")
    if not isinstance(why, str):
        why = UNFINISHED
    return float(when) if isinstance(when, (int, float)) else float("inf"), why
