"""Every sub-command answers --help as it is typed; an old script says what replaced it."""

import subprocess
import sys
from pathlib import Path

import pytest

from splice_exp.commands import COMMANDS, run_command

ROOT = Path(__file__).parents[2]
MOVED = [name for name in COMMANDS if name != "explore"]  # which have been scripts


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_its_help(name, capsys):
    with pytest.raises(SystemExit) as stop:
        run_command(name, ["--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: python -m splice_exp {name} ")
    assert f"    python -m splice_exp {name} " in shown  # an example


@pytest.mark.parametrize("name", MOVED)
def test_an_old_script_says_what_replaced_it(name):
    script = ROOT / "scripts" / f"{name.replace('-', '_')}.py"
    answer = subprocess.run([sys.executable, str(script), "x"], capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert f"python -m splice_exp {name}" in answer.stderr
