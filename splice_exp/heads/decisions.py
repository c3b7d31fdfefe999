"""Replies of judges, kept in a file, so that nothing is asked twice and a study can be repeated without the judge.

One JSON object per line, appended as replies come: {"key": …, "judge": …, "repeat": …, "reply": …}. The key is the
digest of judge, prompt and repeat; lines that were cut off, and empty ones, are left out.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from threading import Lock

from splice_exp.core.errors import SpliceError
from splice_exp.core.io import digest, writing

log = logging.getLogger(__name__)


class Decisions:
    """A file of replies.

    Args:
        path: Created with its folders when the first reply comes.

    Raises:
        SpliceError: if there is something else.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, Lock()
        self._replies = self._read()

    def get(self, judge: str, prompt: str, repeat: int) -> str | None:
        """Return a reply, or None if this was never asked.

        Args:
            judge: Its name, with all that decides the replies.
            prompt: What is asked.
            repeat: Which time it is asked, from 0.
        """
        return self._replies.get(digest([judge, prompt, repeat]))

    def put(self, judge: str, prompt: str, repeat: int, reply: str) -> None:
        """Keep a reply.

        Args:
            judge: Its name, with all that decides the replies.
            prompt: What was asked.
            repeat: Which time it was asked, from 0.
            reply: As it was given.

        Raises:
            SpliceError: if the disk does not take it.
        """
        key = digest([judge, prompt, repeat])
        line = json.dumps({"key": key, "judge": judge, "repeat": repeat, "reply": reply}, ensure_ascii=False)
        with self._lock, writing(self._path):
            self._replies[key] = reply
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"\n{line}\n")  # other processes may write, too; and the last one may have been cut off

    def _read(self) -> dict[str, str]:
        """Read what is there; lines that were cut off, because a process was killed while it wrote, are left out."""
        if not self._path.is_file():
            return {}
        found = {}
        for number, line in enumerate(self._path.read_text(encoding="utf-8").split("\n"), start=1):
            try:
                decision = json.loads(line or "null")
            except json.JSONDecodeError:
                log.warning("%s: line %d was cut off, and is left out", self._path.name, number)
                continue
            if decision is not None:
                try:
                    found[decision["key"]] = decision["reply"]
                except (KeyError, TypeError) as error:
                    raise SpliceError(
                        f"{self._path}, line {number}, is no reply of a judge: fix or remove the line."
                    ) from error
        return found
