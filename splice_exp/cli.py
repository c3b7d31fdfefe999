"""The command line: Hydra composes the configuration, `run` does the work, `sweep` reports it."""

from __future__ import annotations

import errno
import logging
import os
import re
import shlex
import sys
from itertools import pairwise, takewhile
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException
from omegaconf import DictConfig

from splice_exp.backbones.drawings_only import warning_for
from splice_exp.commands import COMMANDS, ON_PICTURES, run_command
from splice_exp.configuration import CONFIG_DIRECTORY, ROOT, forget_samples, register, resolve
from splice_exp.core.errors import SpliceError, nearest
from splice_exp.core.io import FULL, cannot_be_written
from splice_exp.core.runs.run_directory import (
    METRICS,
    begin_attempt,
    damage,
    end_attempt,
    forget_errors,
    rank,
    write_error,
)
from splice_exp.core.text.progress import PROGRESS
from splice_exp.core.text.terminal import known_width, wrapped
from splice_exp.core.text.visible import end, say
from splice_exp.distributed.preemption import leave_if_asked
from splice_exp.experiments import help_of, swept_by_file
from splice_exp.inputs import require_inputs
from splice_exp.misplaced import FLAGS, not_understood
from splice_exp.mistyped import in_a_sentence, require_parts, require_unused
from splice_exp.points import set_by_row

log = logging.getLogger(__name__)

TYPED: list[str] = []  # the command line as the user typed it

VALUED = (  # options of Hydra with a value
    *("--cfg", "-c", "--package", "-p", "--info", "-i", "--experimental-rerun"),
    *("--config-dir", "-cd", "--config-path", "-cp", "--config-name", "-cn"),
)

LISTED = ("texts", "concepts", "classes")  # ends of keys that take lists of texts

register()  # here, because launchers import this module in the processes that they start


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIRECTORY), config_name=ROOT)
def job(config: DictConfig) -> None:
    """Do one point, or find it done; a failure is recorded in its directory, and other points of a sweep go on."""
    leave_if_asked()  # between two points of a sweep
    directory = Path(HydraConfig.get().runtime.output_dir)
    forget_errors(directory)
    try:
        require_parts(config, HydraConfig.get().runtime.choices)
        resolved = resolve(config)
        require_unused(resolved, HydraConfig.get().overrides.task)
        if warning := warning_for(resolved, TYPED):
            log.warning("%s", warning)
        recorded = (directory / METRICS).is_file()
        damaged = damage(directory) if recorded else None
        if recorded and damaged is None and not resolved["force"]:
            log.info(
                "complete already, read from %s (force=true computes it again)",
                os.path.relpath(directory),
                extra=PROGRESS,
            )
            return
        if damaged is not None:
            log.warning("%s was cut off or changed: the run is computed again", directory / damaged)
        begin_attempt(directory)
        require_inputs(resolved)
        from splice_exp.run import run  # with torch: only where there is something to compute

        run(resolved, directory)
        end_attempt(directory)
        return
    except SpliceError as error:
        write_error(directory, str(error))
    except Exception as error:
        if isinstance(error, OSError) and error.errno in FULL:
            write_error(directory, str(cannot_be_written(error.filename or directory, error)))
        else:
            log.exception("unexpected: this is a bug in splice_exp, please report it")
            write_error(directory, f"{type(error).__name__}: {error} (traceback in {directory / 'run.log'})")
    if rank() != 0:  # its launcher must know, or the others wait for it
        sys.exit(1)


def _escaped(path: str) -> str:
    """Write a path so that Hydra's grammar reads it back from between quotes: backslashes count before a quote only."""
    return re.sub(r"(\\*)('|$)", lambda found: 2 * found[1] + ("\\'" if found[2] else ""), path)


def _spelled_out(arguments: list[str]) -> list[str]:
    """Return the arguments of Hydra: `decompose PATH …` and `explain PATH …` are experiments on these images.

    Example:
        >>> _spelled_out(["decompose", "cat.jpg", "my dogs/", "solver.l1_penalty=0.2"])
        ['experiment=decompose', "data.paths=['cat.jpg','my dogs/']", 'solver.l1_penalty=0.2']
        >>> _spelled_out(["decompose", "cat.jpg", "--cfg", "job"])
        ['experiment=decompose', "data.paths=['cat.jpg']", '--cfg', 'job']
        >>> _spelled_out(["explain", "cat.jpg", "evaluation.corpus.texts=[a photo of a cat]"])
        ['experiment=explain', "data.paths=['cat.jpg']", 'evaluation.corpus.texts=[a photo of a cat]']
    """
    if not arguments or arguments[0] not in ON_PICTURES:
        return arguments
    paths, options = _paths_and_options(arguments)
    if not paths:
        end(f"{arguments[0]} needs images or folders of images: python -m splice_exp {arguments[0]} cat.jpg holidays/")
    quoted = ",".join(f"'{_escaped(path)}'" for path in paths)
    return [f"experiment={arguments[0]}", f"data.paths=[{quoted}]", *options]


def _paths_and_options(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Separate the paths after a command from its options."""
    options: list[str] = []
    paths: list[str] = []
    for before, word in pairwise(arguments):
        known = word.startswith("-") or before in VALUED or ("=" in word and not Path(word).exists())
        (options if known or (word.startswith("~") and not Path(word).expanduser().exists()) else paths).append(word)
    return paths, options


def _options_last(arguments: list[str]) -> list[str]:
    """Return the arguments with Hydra's own options after all others, between which its parser does not find them.

    Example:
        >>> _options_last(["decompose", "cat.jpg", "-m", "seed=0,1", "--config-dir", "conf", "solver=mine"])
        ['decompose', 'cat.jpg', 'seed=0,1', 'solver=mine', '-m', '--config-dir', 'conf']
    """
    options = [
        before in VALUED or word.partition("=")[0] in (*FLAGS, *VALUED) for before, word in pairwise(["", *arguments])
    ]
    marked = list(zip(options, arguments, strict=True))
    return [word for option, word in marked if not option] + [word for option, word in marked if option]


def _require_there(arguments: list[str]) -> None:
    """End a command on images if one of them does not exist: a mistyped name is found without torch."""
    for name in _paths_and_options(arguments)[0] if arguments[:1] and arguments[0] in ON_PICTURES else ():
        path = Path(name).expanduser()
        if not path.exists():
            beside = sorted(other.name for other in path.parent.iterdir()) if path.parent.is_dir() else []
            if unquoted := _unquoted(name, arguments):
                end(unquoted)
            alike = f" ({nearest(path.name, beside)})" if beside else ""
            end(f"data.paths names {name!r}, but there is no such file or folder{alike}.")


def _unquoted(name: str, arguments: list[str]) -> str | None:
    """Say how texts with spaces are written, if a word without a file follows an option that takes some."""
    place = arguments.index(name)
    before = arguments[place - 1]
    if not before.partition("=")[0].endswith(LISTED) or before.endswith("]"):
        return None
    words = [before, *takewhile(lambda word: "=" not in word and not Path(word).exists(), arguments[place:])]
    key, _, value = " ".join(words).partition("=")
    written = shlex.quote(f"{key}=[{value.strip('[]')}]")
    return f"{name!r} is no file: a value with spaces is one word, in quotes: {written}"


def main() -> None:
    """Run the command; exit code 1 if any point failed. The last line says where the results are."""
    if len(sys.argv) > 1 and sys.argv[1] in COMMANDS:
        run_command(sys.argv[1], sys.argv[2:])
        return
    arguments = _options_last(sys.argv[1:])
    if described := help_of(arguments):
        say(wrapped(described, known_width()))
        return
    if mistake := not_understood(arguments, VALUED):
        end(mistake)
    _require_there(arguments)
    TYPED[:] = arguments
    words = _spelled_out(arguments)
    sys.argv[1:] = set_by_row(words, swept_by_file(words))
    forget_samples()
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra hands its errors on, instead of printing them its own way
    try:
        job()
    except CompactHydraException as error:  # a mistyped option: its message says what there is
        end(in_a_sentence(error, sys.argv[1:]))
    except SystemExit as error:
        if error.code == 2:  # of Hydra's parser, which has said what it does not know
            end("options are written KEY=VALUE: python -m splice_exp --help lists them.")
        if error.code:  # else there was nothing to compute
            raise
    except ValueError as error:
        if "--cfg" not in str(error):
            raise
        end("--cfg shows one configuration, and -m asks for several: leave one of them out.")
    except RuntimeError as error:
        if "srun" not in str(error):
            raise
        end(f"{error} Elsewhere set hydra/launcher=joblib, or none.")
    except OSError as error:
        path = error.filename or "paths.results"
        lost = f"{path} cannot be written ({error.strerror}): set paths.results and paths.cache to folders that can be."
        end(str(cannot_be_written(path, error) or (lost if error.errno == errno.ENOENT else error)))
    # Hydra imports the callback when there is something to run; --help and the like stay without torch.
    sweep = sys.modules.get("splice_exp.sweep")
    if sweep is None:
        return
    for failure in sweep.OUTCOME.failures:
        say(wrapped(f"error: {failure}", known_width()), to=sys.stderr)
    if sweep.OUTCOME.directory is not None:
        say(f"results: {os.path.relpath(sweep.OUTCOME.directory)}")
    if sweep.OUTCOME.failures:
        sys.exit(1)
