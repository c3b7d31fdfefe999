"""What a command is doing: on a terminal one line that is updated in place, elsewhere one line per row of a sweep.

A run names its stages, a computation counts its batches, and a sweep its rows; all of it ends here, because there is
one terminal. Log messages of progress are marked with `PROGRESS`: the log file of the run has them always, the console
only where a single run is not on a terminal.
"""

from __future__ import annotations

import atexit
import logging
import sys
import time
from collections.abc import Sequence
from typing import Any

from splice_exp.core.text import terminal
from splice_exp.core.text.visible import say, visible

PROGRESS = {"progress": True}  # `extra` of log records about progress
BAR_AFTER = 2.0  # seconds, from which on a stage has a bar


class Display:
    """Progress of the command in this process; `DISPLAY` is the only one."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._rows: Sequence[str] = ()
        self._row = ""
        self._worked = False
        self._stages: list[tuple[str, float]] = []
        self._begun = 0.0
        self._seconds: list[float] = []  # of rows that were computed
        self._waiting = 0  # rows that were to be computed at the start
        self._bars: Any = None
        self._overall: Any = None
        self._inside: Any = None

    @property
    def quiet(self) -> bool:
        """Whether messages of progress are shown by this display instead of being printed."""
        return bool(self._rows) or self._bars is not None

    def sweep(self, rows: Sequence[str], waiting: int) -> None:
        """Begin a sweep.

        Args:
            rows: What distinguishes each of its rows, in words.
            waiting: How many of them are not complete yet.
        """
        self._rows, self._waiting, self._seconds = tuple(rows), waiting, []
        self._show()

    def row(self, number: int) -> None:
        """Begin row `number` of a sweep, from 0 on."""
        if number < len(self._rows):
            self._row, self._begun, self._stages, self._worked = self._rows[number], time.perf_counter(), [], False
            self._update(number)

    def row_ends(self, number: int) -> None:
        """End a row; one in which no stage began, as it was complete already, is not worth a line."""
        if number >= len(self._rows) or not self._worked:
            return
        seconds = time.perf_counter() - self._begun
        self._seconds.append(seconds)
        if self._bars is None:
            left = self.left()
            what = f": {self._row}" if self._row else ""  # a sweep of one row names none
            line = f"{number + 1} of {len(self._rows)}{what} ({seconds:.1f} s{f'; {left} left' if left else ''})"
            say(terminal.wrapped(line, terminal.known_width()), flush=True)

    def left(self) -> str:
        """Say how long the rows that are still to be computed will take, as long as the earlier ones; '' at the end."""
        rows = self._waiting - len(self._seconds)
        return duration(rows * sum(self._seconds) / len(self._seconds)) if rows > 0 and self._seconds else ""

    def stage(self, name: str) -> None:
        """Begin a stage of a row; it may lie inside another."""
        self._stages.append((name, time.perf_counter()))
        self._worked = True
        self._show()
        self._update()

    def stage_ends(self) -> None:
        """End the stage that began last."""
        if self._stages:
            self._stages.pop()
        if self._bars is not None:
            self._bars.update(self._inside, visible=False)
        self._update()

    def step(self, done: int, total: int) -> None:
        """Say how many parts of the present stage are done.

        Args:
            done: So far.
            total: All of them.
        """
        if self._bars is not None and self._stages and time.perf_counter() - self._stages[-1][1] >= BAR_AFTER:
            self._bars.update(self._inside, completed=done, total=total, visible=True)

    def close(self) -> None:
        """Take the line away: what is printed from now on is a result."""
        if self._bars is not None:
            self._bars.stop()
        self._begin()

    def _show(self) -> None:
        if self._bars is not None or not sys.stdout.isatty():
            return
        from rich.progress import BarColumn, Progress, TextColumn  # here, because few commands take long

        self._bars = Progress(TextColumn("{task.description}", markup=False), BarColumn(20), transient=True)
        self._overall = self._bars.add_task("", total=max(1, len(self._rows)), visible=True)
        self._inside = self._bars.add_task("", total=1, visible=False)
        self._bars.start()
        atexit.register(self._bars.stop)  # or the cursor of the terminal stays hidden after Ctrl-C

    def _update(self, number: int | None = None) -> None:
        if self._bars is None:
            return
        what = [self._stages[-1][0]] if self._stages else []
        if self._rows:
            done = self._bars.tasks[0].completed if number is None else number
            left = self.left()
            what = [f"{int(done) + 1} of {len(self._rows)}", *([f"{left} left"] if left else []), self._row, *what]
            self._bars.update(self._overall, completed=done)
        self._bars.update(self._overall, description=visible(" · ".join(what)))


def duration(seconds: float) -> str:
    """Write a time as people say it.

    Example:
        >>> duration(8.4), duration(200), duration(8000)
        ('8 s', '3:20 min', '2:13 h')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60}:{whole % 60:02d} min" if whole < 3600 else f"{whole // 3600}:{whole % 3600 // 60:02d} h"


class Shown(logging.Filter):
    """Of the console: leaves out progress while the display shows it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is shown: what reports progress is not, where the display is quiet."""
        return not (getattr(record, "progress", False) and DISPLAY.quiet)


DISPLAY = Display()
