"""What is printed has no power over the terminal, whatever names are made of."""

import logging
import re
import sys
from pathlib import Path

import pytest
import yaml
from hydra.utils import get_class

from splice_exp.configuration import CONFIG_DIRECTORY
from splice_exp.core.text.visible import VisibleFormatter, end, say, visible

PACKAGE = Path(__file__).parents[3] / "splice_exp"
HOSTILE = {
    "\x1b[31mred": r"\x1b[31mred",
    "\x1b]0;title\x07": r"\x1b]0;title\x07",
    "\x9b2J": r"\x9b2J",
    "gpj.\u202etac": r"gpj.\u202etac",
    "a\u2066b\u2069": r"a\u2066b\u2069",
    "over\rwritten\x08": r"over\rwritten\x08",
    "\u2028": r"\u2028",
    "caf\udce9.jpg": r"caf\udce9.jpg",
    "\x7f": r"\x7f",
    "\U000e0041": r"\U000e0041",
}


@pytest.mark.parametrize(("name", "shown"), HOSTILE.items())
def test_codes_are_shown_not_obeyed(name, shown, capsys):
    say(name)
    assert capsys.readouterr().out == f"{shown}\n"


def test_what_people_write_stays(capsys):
    names = "naïve\t熊猫 عربي नमस्ते 👩‍🚀 می‌خواهم \\x1b\nsecond line"
    say(names, "third", to=sys.stderr)
    assert capsys.readouterr().err == f"{names}\nthird\n"


def test_an_error_ends_with_code_1(capsys):
    with pytest.raises(SystemExit) as stop:
        end("no class \x1b[1m")
    assert stop.value.code == 1
    assert capsys.readouterr().err == "error: no class \\x1b[1m\n"


def test_log_records_are_shown_the_same_way():
    record = logging.LogRecord("x", logging.WARNING, "", 0, "left out: %s", ("\x1b[2J",), None)
    assert VisibleFormatter("[%(levelname)s] %(message)s").format(record) == "[WARNING] left out: \\x1b[2J"
    handlers = yaml.safe_load((CONFIG_DIRECTORY / "hydra" / "job_logging" / "file_and_console.yaml").read_text())
    assert all(issubclass(get_class(one["class"]), VisibleFormatter) for one in handlers["formatters"].values())


def test_there_is_one_place_that_prints():
    printing = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for line in path.read_text(encoding="utf-8").split("\n")
        if re.search(r"(?<![\w.])print\(|stdout\.write|stderr\.write", line) and ">>>" not in line
    }
    assert printing == {"core/text/visible.py", "explorer/recipes.py"}  # the second writes programs that print
    assert visible("a") == "a"
