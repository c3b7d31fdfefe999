"""Whoever stops reading, as `head` does, stops neither the command nor its exit code, and sees no traceback."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import logging, sys
from splice_exp.core.text.unread import Console, until_unread
from splice_exp.core.text.visible import say

log = logging.getLogger("computing")
log.addHandler(Console(sys.stdout))
with until_unread():
    for line in range(3):
        {write}
    open(sys.argv[1], "w").write("computed")
    {last}
"""


@pytest.mark.parametrize("write", ["say('x' * 100_000, flush=True)", "log.warning('x' * 100_000)", "say('x')"])
@pytest.mark.parametrize(("last", "code"), [("pass", 0), ("sys.exit(3)", 3)])
def test_a_command_goes_on_when_nobody_reads_it(tmp_path, write, last, code):
    read, written = os.pipe()
    os.close(read)  # as `head` does when it has its lines
    program = PROGRAM.format(write=write, last=last)
    found = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "result")],
        stdout=written,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(written)
    assert found.stderr == ""
    assert found.returncode == code
    assert (tmp_path / "result").read_text() == "computed"
