"""The table of faults: what happens, and what must be so afterwards."""

import errno
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.commands import (
    COMMANDS,
    STAGES,
    Ended,
    Moment,
    contents,
    count_files,
    make_images,
    run,
    start,
    wait,
    warm_up,
)

KILLS = 20  # moments of each command
HOUR = 3600.0
STOPPED = "the same command goes on from here"


class LostError(AssertionError):
    """A fault was not survived."""


def require(held: bool, what: str, ended: Ended | None = None) -> None:
    """Refuse what must not be, showing what a command said."""
    if not held:
        raise LostError(what if ended is None else f"{what}; exit code {ended.code}\n{ended.output[-3000:]}")


@dataclass(frozen=True)
class Undisturbed:
    """A command that nothing happened to.

    Args:
        name: Of the command.
        folder: Where it ran.
        contents: What it left.
        files: How many it put in place.
    """

    name: str
    folder: Path
    contents: dict[str, bytes]
    files: int

    @classmethod
    def make(cls, name: str, parent: Path) -> "Undisturbed":
        """Run a command in a folder of its own."""
        folder = parent / f"undisturbed_{name}"
        make_images(folder)
        log = parent / f"files_{name}"
        ended = run(name, folder, disturb=count_files(log))
        require(ended.code == 0, f"{name} does not run", ended)
        return cls(name, folder, contents(folder), len(log.read_text().splitlines()))

    def fresh(self, parent: Path) -> Path:
        """Return an empty folder for the command, with its images."""
        folder = parent / "fresh"
        shutil.rmtree(folder, ignore_errors=True)
        make_images(folder)
        return folder

    def copy(self, parent: Path) -> Path:
        """Return a copy of all that it left."""
        folder = parent / "copy"
        shutil.rmtree(folder, ignore_errors=True)
        return shutil.copytree(self.folder, folder)

    def require_same(self, folder: Path) -> None:
        """Refuse what is not the same to the byte."""
        found = contents(folder)
        require(found.keys() == self.contents.keys(), f"other files: {sorted(found.keys() ^ self.contents.keys())}")
        changed = [name for name, content in self.contents.items() if found[name] != content]
        require(not changed, f"other bytes: {changed}")

    def require_goes_on(self, folder: Path, *overrides: str) -> None:
        """Run the command again, and refuse all but what an undisturbed one leaves."""
        ended = run(self.name, folder, *overrides)
        require(ended.code == 0, "the same command does not go on", ended)
        self.require_same(folder)


Fault = tuple[str, Callable[[Path], None]]


def killed(of: Undisturbed, count: int) -> Iterator[Fault]:
    """Kill -9 at moments that are spread over the whole command."""
    for number in range(count):
        moment = Moment(number * of.files // count, STAGES[number % len(STAGES)])

        def fault(parent: Path, moment: Moment = moment) -> None:
            folder = of.fresh(parent)
            ended = run(of.name, folder, disturb=moment)
            require(ended.code == -signal.SIGKILL, "it was not killed", ended)
            of.require_goes_on(folder)

        yield f"kill -9 of {of.name} {moment.stage} file {moment.number} of {of.files}", fault


def signalled(of: Undisturbed, number: signal.Signals, count: int) -> Iterator[Fault]:
    """Ask a command to stop; after SIGTERM it may end well where nothing was left to do."""
    allowed = {signal.SIGTERM: (75, 0), signal.SIGINT: (130,)}[number]
    for place in range(count):
        moment = Moment(place * of.files // count, "after", lambda: os.kill(os.getpid(), number))

        def fault(parent: Path, moment: Moment = moment) -> None:
            folder = of.fresh(parent)
            ended = run(of.name, folder, disturb=moment)
            require(ended.code in allowed, f"the exit code is not {allowed}", ended)
            require("Traceback" not in ended.output, "a traceback", ended)
            require(ended.code == 0 or STOPPED in ended.output, "it does not say how to go on", ended)
            of.require_goes_on(folder)

        yield f"{number.name} to {of.name} after file {moment.number} of {of.files}", fault


def no_space() -> None:
    """Let every write under the results fail from now on, as on a disk that is full."""
    put_in_place = os.replace

    def replace(source: os.PathLike[str], target: os.PathLike[str]) -> None:
        if "results" in Path(target).parts:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        put_in_place(source, target)

    os.replace = replace


def full_disk(of: Undisturbed, count: int) -> Iterator[Fault]:
    """Fill the disk at some moments, and make room afterwards."""
    for place in range(count):
        number = place * of.files // count

        def fault(parent: Path, number: int = number) -> None:
            folder = of.fresh(parent)
            ended = run(of.name, folder, disturb=Moment(number, "after", no_space))
            require_one_sentence(ended)
            of.require_goes_on(folder)

        yield f"full disk after file {number} of {of.name}", fault


def require_one_sentence(ended: Ended) -> None:
    """Refuse anything but one sentence about a full disk, and the cure."""
    require(ended.code == 1, "a full disk is no failure", ended)
    require("Traceback" not in ended.output, "a traceback", ended)
    said = [line for line in ended.output.splitlines() if "No space left on device" in line]
    require(bool(said) and "make room there" in said[-1], "it does not say that the disk is full", ended)


@contextmanager
def small_disk(at: Path, size: int) -> Iterator[None]:
    """Mount a disk of some bytes, where this process may."""
    at.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(at)], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(at)], check=True)


def may_mount(parent: Path) -> bool:
    """Say whether this process may mount disks."""
    try:
        with small_disk(parent / "disk", 2**16):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


def really_full_disk(of: Undisturbed, below: str, rooms: tuple[int, ...]) -> Iterator[Fault]:
    """Leave so little room on a real disk, and make more afterwards."""
    for room in rooms:

        def fault(parent: Path, room: int = room) -> None:
            folder = of.fresh(parent)
            with small_disk(folder / below, 2**24):
                ballast = folder / below / "ballast"
                with ballast.open("wb") as file:
                    file.write(bytes(2**24 - room))
                ended = run(of.name, folder)
                require_one_sentence(ended)
                ballast.unlink()
                of.require_goes_on(folder)

        yield f"a real disk with {room // 1024} KiB left for {below} of {of.name}", fault


DAMAGES: dict[str, Callable[[Path], None]] = {
    "emptied": lambda path: path.write_bytes(b""),
    "cut off": lambda path: os.truncate(path, path.stat().st_size // 2),
    "flipped": lambda path: path.write_bytes(flipped(path.read_bytes())),
    "removed": Path.unlink,
}


def flipped(content: bytes) -> bytes:
    """Change a byte in the middle."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0x55]) + content[middle + 1 :]


def damaged(of: Undisturbed, kinds: tuple[str, ...] = tuple(DAMAGES)) -> Iterator[Fault]:
    """Damage each file of the record, of the cache and of the report; the kinds of damage in turn."""
    names = sorted(name for name in of.contents if name.split("/")[0] in ("runs", "cache", "tables"))
    for number, name in enumerate(names):
        kind = kinds[number % len(kinds)]

        def fault(parent: Path, name: str = name, kind: str = kind) -> None:
            folder = of.copy(parent)
            DAMAGES[kind](folder / "results" / name)
            of.require_goes_on(folder, *(("repair=true", "force=true") if name.startswith("cache") else ()))

        yield f"{name} of {of.name} {kind}", fault


def clock(of: Undisturbed) -> Iterator[Fault]:
    """Set the clock back after a run, and let the next one fail."""

    def fault(parent: Path) -> None:
        folder = of.copy(parent)
        (metrics,) = folder.glob("results/runs/*/*/metrics.json")
        os.utime(metrics, (time.time() + HOUR,) * 2)
        shard = min(folder.glob("results/cache/codes/*/*.safetensors"))
        DAMAGES["flipped"](shard)
        ended = run(of.name, folder, "force=true")
        require(ended.code == 1 and "repair=true" in ended.output, "a failed run is reported as a success", ended)
        of.require_goes_on(folder, "force=true", "repair=true")

    yield f"the clock of {of.name} went back", fault


def together(of: Undisturbed, count: int) -> Iterator[Fault]:
    """Run a command twice at the same time in one folder, the second a little later."""
    for place in range(count):

        def fault(parent: Path, place: int = place) -> None:
            folder = of.fresh(parent)
            first = start(of.name, folder)
            time.sleep(0.15 * place)
            second = start(of.name, folder)
            for ended in (wait(*first), wait(*second)):
                require(ended.code == 0, "two in one folder disturb each other", ended)
            of.require_same(folder)

        yield f"two of {of.name} in one folder, {0.15 * place:.2f} s apart", fault


def all_faults(parent: Path) -> Iterator[Fault]:
    """Yield the whole table."""
    warm_up(parent)
    undisturbed = {name: Undisturbed.make(name, parent) for name in COMMANDS}
    for of in undisturbed.values():
        yield from killed(of, KILLS)
        yield from signalled(of, signal.SIGTERM, 4)
        yield from signalled(of, signal.SIGINT, 4)
        yield from full_disk(of, 4)
    one, sweep = undisturbed["zero_shot"], undisturbed["sweep"]
    if may_mount(parent):
        yield from really_full_disk(one, "results", (0, 4096, 16384, 65536))
        yield from really_full_disk(one, "results/cache", (0, 4096))
        yield from really_full_disk(sweep, "results", (8192, 32768))
    yield from damaged(one)
    yield from damaged(undisturbed["decompose"], ("flipped", "removed", "cut off"))
    yield from clock(one)
    yield from together(sweep, 4)
