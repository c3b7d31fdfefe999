"""Commands that end before torch is imported, as forks of one process that has imported what all of them need.

That process has neither torch nor the run-time type checker of the tests: what a command imports is seen in its fork.
"""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

PROGRAM = """
import json
import os
import sys
import traceback

from splice_exp import cli  # before it is asked for
from splice_exp.__main__ import main

for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if child == 0:
        code = 0
        for stream in (1, 2):
            os.dup2(os.open(asked["outputs"][stream - 1], os.O_WRONLY | os.O_CREAT), stream)
        try:
            os.chdir(asked["folder"])
            os.environ.clear()
            os.environ.update(asked["environment"])
            sys.argv = ["splice_exp", *asked["arguments"]]
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
            if isinstance(stop.code, str):
                print(stop.code, file=sys.stderr)
        except BaseException:
            code = 1
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        with open(asked["outputs"][2], "w") as file:
            json.dump(list(sys.modules), file)
        os._exit(code)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


class Answer(NamedTuple):
    """How a command ended: exit code, what it printed, and the modules that were imported then."""

    code: int
    out: str
    err: str
    modules: set[str]


@cache
def _server() -> subprocess.Popen:
    """Start the process, once; it ends when nobody can ask it any more."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )


def ask(folder: Path, *arguments: str, **environment: str) -> Answer:
    """Give a command in a folder, with some more variables of the environment."""
    with TemporaryDirectory() as place:
        outputs = [Path(place) / name for name in ("out", "err", "modules")]
        server = _server()
        variables = {**os.environ, **environment}  # those of this test, not of the one that was first
        asked = {"folder": folder, "arguments": arguments, "environment": variables, "outputs": outputs}
        server.stdin.write(json.dumps(asked, default=str) + "\n")
        code = int(server.stdout.readline())
        out, err, modules = (path.read_text() for path in outputs)
    return Answer(code, out, err, set(json.loads(modules)))
