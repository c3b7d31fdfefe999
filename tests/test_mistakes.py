"""Typical mistakes of a command line: each is answered as the notes say, in one sentence and without torch."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

NOTE = Path(__file__).parents[1] / "results" / "notes" / "mistakes.md"
ROW = re.compile(r"\| `(?P<command>.+?)` \| (?P<answer>.+?) \|")
SCRIPT = """
import contextlib, io, json, sys
from hydra.core.global_hydra import GlobalHydra
from splice_exp import cli
found = []
for words in json.loads(sys.argv.pop()):
    GlobalHydra.instance().clear()
    sys.argv[1:] = words
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            cli.main()
        except SystemExit as error:
            said.write("" if isinstance(error.code, int) or error.code is None else str(error.code))
            code = error.code if isinstance(error.code, int) else int(bool(error.code))
        else:
            code = 0
    found.append([code, said.getvalue().strip()])
print(json.dumps([found, sorted({"torch", "open_clip"} & sys.modules.keys())]))
"""
MISTAKES = [(row["command"], row["answer"]) for row in ROW.finditer(NOTE.read_text(encoding="utf-8"))]


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What each mistake is answered, by one process that makes all of them."""
    words = [shlex.split(command.replace(r"\|", "|"))[3:] for command, _ in MISTAKES]
    folder = tmp_path_factory.mktemp("mistakes")
    (folder / "dog.jpg").touch()
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(words)], cwd=folder, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    found, imported = json.loads(result.stdout.splitlines()[-1])
    assert imported == []
    return dict(zip((command for command, _ in MISTAKES), found, strict=True))


def test_there_are_as_many_as_were_promised():
    assert len(MISTAKES) >= 15


@pytest.mark.parametrize(("command", "answer"), MISTAKES, ids=[command[21:] for command, _ in MISTAKES])
def test_a_mistake_is_answered_as_the_notes_say(answers, command, answer):
    code, said = answers[command]
    assert code in (1, 2)
    assert [line for line in said.splitlines() if line.startswith("error: ")] == [f"error: {answer}"]
