"""Commands in processes of their own, which something happens to at a known moment.

A process that has imported everything forks for each command, so that one costs as much as its work. The moments are
those at which files under the results are put in place: before one, when it is half written, and after it.
"""

import io
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from hydra.core.global_hydra import GlobalHydra

from splice_exp import sweep
from splice_exp.__main__ import main
from splice_exp.data.scenes.plain import Scenes

PLANTED = ("backbone=planted", "data=planted", "vocabulary=planted", "data.num_samples=24")
FAST = ("debug=fast", "trainer=cpu", "trainer.batch_size=8", "solver.batch_size=16")
BARE = ("figures=false", "report.figure=null")  # drawing takes half of the time
COMMANDS = {
    "decompose": ("decompose", "images", *FAST),
    "zero_shot": ("experiment=zero_shot", *PLANTED, *FAST, *BARE),
    "sweep": ("-m", "experiment=zero_shot", "solver.l1_penalty=0.2,0.3", *PLANTED, *FAST, *BARE),
}
CHANGING = ("run.log", "environment.json", "multirun.yaml")  # times are in them, and what was set to go on
CURES = (b"force:", b"repair:")  # lines of a configuration
STAGES = ("before", "half", "after")


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    output: str


def make_images(folder: Path) -> None:
    """Write two images, for `decompose`, which runs beside them."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(Scenes(2).inputs(0, 2)):
        image.save(folder / "images" / f"{number}.png")


def warm_up(folder: Path) -> None:
    """Run a command in this process, before others are forked: each would have to import and load what it needs."""
    before = Path.cwd(), sys.argv
    os.chdir(folder)
    try:
        with redirect_stdout(io.StringIO()):
            _command(*words_of("zero_shot"))
    finally:
        os.chdir(before[0])
        sys.argv = before[1]


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a command, whose results are in the folder that it is given in."""
    return (*COMMANDS[name], "paths.results=results")


def _command(*words: str) -> None:
    GlobalHydra.instance().clear()
    sweep.OUTCOME = sweep.Outcome()
    sys.argv = ["splice_exp", *words]
    main()


def start(name: str, folder: Path, *overrides: str, disturb: Callable[[], None] | None = None) -> tuple[int, Path]:
    """Start a command in a folder, its results under it; return its process and the file of its output."""
    return fork(folder, *words_of(name), *overrides, disturb=disturb)


def fork(folder: Path, *words: str, disturb: Callable[[], None] | None = None) -> tuple[int, Path]:
    """Start `python -m splice_exp WORD …` in a folder, as a fork of this process; return it and its output's file.

    Args:
        folder: Where Python also looks for packages first, as it does after -m.
        words: After the name of the package.
        disturb: What to do in the new process before the command begins.
    """
    handle, output = tempfile.mkstemp(prefix="output_", dir=folder.parent)
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.dup2(handle, 1)
            os.dup2(handle, 2)
            sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.chdir(folder)
            sys.path.insert(0, str(folder))
            if disturb is not None:
                disturb()
            _command(*words)
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    os.close(handle)
    return child, Path(output)


def wait(process: int, output: Path) -> Ended:
    """Wait for a command."""
    _, status = os.waitpid(process, 0)
    ended = Ended(os.waitstatus_to_exitcode(status), output.read_text(errors="replace"))
    output.unlink()
    return ended


def run(name: str, folder: Path, *overrides: str, disturb: Callable[[], None] | None = None) -> Ended:
    """Run a command in a folder, its results under it."""
    return wait(*start(name, folder, *overrides, disturb=disturb))


@dataclass(frozen=True)
class Moment:
    """Do something when a file is put in place.

    Args:
        number: Of the file, counted from 0 among those under `results`.
        stage: Before it is there, when a half of it is written, or after.
        action: What to do; by default the process kills itself.
    """

    number: int
    stage: str = "before"
    action: Callable[[], None] = lambda: os.kill(os.getpid(), signal.SIGKILL)

    def __call__(self) -> None:
        put_in_place, count = os.replace, 0

        def replace(source: os.PathLike[str], target: os.PathLike[str]) -> None:
            nonlocal count
            counted = "results" in Path(target).parts
            now = counted and count == self.number
            count += counted
            if now and self.stage == "half":
                os.truncate(source, os.stat(source).st_size // 2)
            if now and self.stage != "after":
                self.action()
            put_in_place(source, target)
            if now and self.stage == "after":
                self.action()

        os.replace = replace


def count_files(log: Path) -> Callable[[], None]:
    """Note in a file each moment at which a file is put in place."""

    def count() -> None:
        put_in_place = os.replace

        def replace(source: os.PathLike[str], target: os.PathLike[str]) -> None:
            put_in_place(source, target)
            if "results" in Path(target).parts:
                with log.open("a") as file:
                    file.write(f"{target}\n")

        os.replace = replace

    return count


def contents(folder: Path) -> dict[str, bytes]:
    """Return all that a command has left under `results`, except for times."""
    results = folder / "results"
    files = [path for path in sorted(results.rglob("*")) if path.is_file() and path.name not in CHANGING]
    return {path.relative_to(results).as_posix(): _without_cures(path) for path in files}


def _without_cures(path: Path) -> bytes:
    """Return the content of a file; of a configuration without what was set to go on."""
    lines = path.read_bytes().splitlines(keepends=True)
    return b"".join(line for line in lines if path.name != "config.yaml" or not line.startswith(CURES))
