"""Words of a command line that are no options, found before Hydra looks at them: it would print its usage."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import fields
from itertools import pairwise, takewhile
from pathlib import Path

from omegaconf import MISSING

from splice_exp.commands import COMMANDS, ON_PICTURES
from splice_exp.configuration import Config
from splice_exp.experiments import own_folders

FLAGS = (  # options of Hydra without a value
    *("--help", "-h", "--hydra-help", "--version", "--resolve", "--run", "-r", "--multirun", "-m"),
    *("--shell-completion", "-sc"),
)
PROGRAM = "python -m splice_exp"
NEEDED = tuple(field.name for field in fields(Config) if field.default is MISSING)  # what every run is made of
NUMBER = re.compile(r"\d+(\.\d+)?")
SPACES = "options are written KEY=VALUE, without spaces around the sign:"


def not_understood(words: Sequence[str], valued: Sequence[str]) -> str | None:
    """Say what is wrong with the first word that cannot be an option, and how it is written; None if all can.

    Args:
        words: The command line.
        valued: Options of Hydra that take a value.
    """
    if missing := next((folder for folder in own_folders(words) if not folder.is_dir()), None):
        return f"--config-dir is {str(missing)!r}, but there is no such folder."
    if words and words[-1] in valued:
        return f"{words[-1]} needs a value after it: {PROGRAM} --help lists what there is."
    for before, word in pairwise(["", *words]):
        if before in valued:
            continue
        advice = _taken_away(word) or _apart(word, words) or _spaced(word, words) or _out_of_place(word, words)
        if advice is not None:
            return advice
        if word.startswith("-") and word.partition("=")[0] not in (*FLAGS, *valued):
            return _no_option(word, words)
    return None


def _taken_away(word: str) -> str | None:
    """Say how a part is replaced that someone takes away."""
    if word.removeprefix("~") in NEEDED and word.startswith("~"):
        return f"{word} takes away what every run needs: choose another one, as {word[1:]}=CHOICE."
    return None


def _apart(word: str, words: Sequence[str]) -> str | None:
    """Say how several numbers for one key are written."""
    before, *after = words[max(0, list(words).index(word) - 1) :]
    if not NUMBER.fullmatch(word) or "=" not in before or Path(word).exists():
        return None
    values = [before, *takewhile(NUMBER.fullmatch, after)]
    return f"{' '.join(values)} is several words: a sweep is one, with commas and -m: -m {','.join(values)}"


def _spaced(word: str, words: Sequence[str]) -> str | None:
    """Say how words with spaces in the wrong places are written."""
    if Path(word).exists():
        return None
    if " " in word and word.split(" ")[0] in (*COMMANDS, *ON_PICTURES):
        return f"{word!r} is one word: without quotes around all of it, it is {PROGRAM} {word}"
    if word == "experiment=":
        return f"experiment= names none: {PROGRAM} --help lists them."
    key, equals, value = word.partition("=")
    after = next((other for one, other in pairwise(words) if one is word), "=")
    if word.startswith("=") or (equals and not value and "=" not in after and not after.startswith("-")):
        joined = re.sub(r" ?= ?", "=", " ".join(words))
        return f"{SPACES} {PROGRAM} {joined}"
    if equals and key != key.rstrip():
        return f"{SPACES} {shlex.quote(f'{key.rstrip()}={value.strip()}')}"
    return None


def _out_of_place(word: str, words: Sequence[str]) -> str | None:
    """Say where the name of a command stands."""
    if word not in ON_PICTURES or words[0] in ON_PICTURES:
        return None
    others = [one for one in words if one is not word]
    paths = [one for one in others if Path(one).exists()]
    ordered = [word, *paths, *(one for one in others if one not in paths)]
    return f"{word} comes first: {PROGRAM} {shlex.join(ordered)}"


def _no_option(word: str, words: Sequence[str]) -> str:
    """Say how what begins like an option of a program is written here."""
    if Path(word).exists():
        return f"{word!r} begins like an option: a file of this name is written ./{word}"
    after = next((other for one, other in pairwise(words) if one is word and "=" not in other), None)
    written = "" if after is None else f", as {word.lstrip('-')}={after}"
    return f"{word} is no option: options are written KEY=VALUE{written}; {PROGRAM} --help lists them."
