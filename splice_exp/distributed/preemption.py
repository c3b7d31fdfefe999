"""SIGTERM, as clusters send it before they take a machine away: finish the batch, write it, and leave.

    with preemptible():          # the handler is in place
        ...
        leave_if_asked()         # between batches, and between the stages of a run

The exit code is that of a temporary failure (EX_TEMPFAIL): a queue may start the same command again, which goes on
where this one stopped. SIGUSR2 stays with submitit, which puts its own job back into the queue.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

log = logging.getLogger(__name__)

EXIT_CODE = 75

_asked = threading.Event()


class Preempted(SystemExit):
    """The process was asked to stop, and all that was finished is written."""

    def __init__(self) -> None:
        super().__init__(EXIT_CODE)


def on_sigterm(signum: int, frame: FrameType | None) -> None:
    """Note the request, and hand it on to the processes that this one has started."""
    if not _asked.is_set():
        _asked.set()
        for child in multiprocessing.active_children():
            if child.pid is not None:
                os.kill(child.pid, signal.SIGTERM)


def listen() -> None:
    """Take SIGTERM over from whoever has it; outside the main thread signals cannot be had, and nothing changes."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, on_sigterm)


@contextmanager
def preemptible() -> Iterator[None]:
    """Listen during a block, and leave the signal as it was."""
    before = signal.getsignal(signal.SIGTERM)
    listen()
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def leave_if_asked() -> None:
    """End the process if it was asked to.

    Raises:
        Preempted: with the exit code of a temporary failure.
    """
    if _asked.is_set():
        log.warning("stopped by SIGTERM; the same command goes on from here")
        raise Preempted
