"""Output that nobody reads any more, as after `python -m splice_exp … | head`: what is computed goes on without it."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def drop(stream: Any) -> None:
    """Let what else is written to a file or pipe go nowhere.

    Args:
        stream: Open for text, of which the reader has ended.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


@contextmanager
def until_unread() -> Iterator[None]:
    """Write what is left at the end, unless nobody reads it: Python would print an error."""
    try:
        yield
    finally:
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            drop(sys.stdout)


class Console(logging.StreamHandler):  # type: ignore[type-arg]
    """A console whose reader may leave, and on which a line of progress may stand.

    It writes to what is standard output at the time: while there is such a line, that takes what is printed above it.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record.

        Args:
            record: Of the log.
        """
        self.stream = sys.stdout
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  its name in logging
        """Print what went wrong with a record, unless it is that nobody reads.

        Args:
            record: That could not be written.
        """
        if isinstance(sys.exc_info()[1], BrokenPipeError):
            drop(self.stream)
        else:
            super().handleError(record)
