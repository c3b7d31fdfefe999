"""Sub-commands beside experiments: `python -m splice_exp NAME …`, one module each, with its own --help."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from splice_exp.core.errors import SpliceError
from splice_exp.core.text.terminal import known_width, wrapped
from splice_exp.core.text.visible import visible

COMMANDS = ("build-lexicon", "build-vocabulary", "estimate-mean", "explore", "prepare-data", "train-classifier")
ON_DATA = ("estimate-mean", "explore", "train-classifier")  # those that are given data and backbones as overrides
ON_PICTURES = ("decompose", "explain")  # experiments that are also commands, on your own images


def run_command(name: str, arguments: Sequence[str]) -> None:
    """Run one of `COMMANDS`; exit code 1 with a sentence if it cannot be done.

    Args:
        name: Of the command.
        arguments: The words after it.
    """
    try:
        if name in ON_DATA and not {"-h", "--help"} & set(arguments):
            from splice_exp.commands.presence import require_present  # late: other commands do without Hydra

            require_present(arguments)
        import_module(f"{__name__}.{name.replace('-', '_')}").main(arguments)
    except SpliceError as error:
        sys.exit(visible(f"error: {error}"))


def parser_of(name: str, description: str | None) -> argparse.ArgumentParser:
    """Return an empty parser that shows a command as it is typed, and its description as it is written.

    Args:
        name: Of the command, like `prepare-data`.
        description: Shown by `--help`, line by line as it is.
    """
    return argparse.ArgumentParser(
        prog=f"python -m splice_exp {name}",
        description=description and wrapped(description, known_width()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
