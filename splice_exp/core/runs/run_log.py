"""The log of a run in its directory, where that can be written; elsewhere the console has to do."""

from __future__ import annotations

import logging


class RunLog(logging.FileHandler):
    """A file handler that never ends what it only reports: on a disk that is full or read only it writes nothing.

    Args:
        filename: Made when the first line is written.
    """

    def __init__(self, filename: str) -> None:
        super().__init__(filename, encoding="utf-8", delay=True)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:  # of opening it
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - as `logging` calls it
        """Leave the record out; the console has it."""

    def close(self) -> None:
        try:
            super().close()
        except OSError:  # of what was not written yet
            self.stream = None
