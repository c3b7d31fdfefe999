"""Requests to stop: SIGTERM, as clusters send it before they take a machine away, and Ctrl-C.

    with stoppable():                # the whole command: it ends at once …
        with preemptible():          # … but here, after a SIGTERM, not before the batch is written
            leave_if_asked()         # between batches, and between the stages of a run

Either way all that was finished is there, and the same command goes on from it. The exit code after a SIGTERM is that
of a temporary failure (EX_TEMPFAIL): a queue may start the same command again. After Ctrl-C it is the usual 130.
SIGUSR2 stays with submitit, which puts its own job back into the queue. Imported before anything that takes time.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

log = logging.getLogger(__name__)

EXIT_CODE = 75
INTERRUPTED = 130
STOPPED = "stopped by %s; the same command goes on from here"

_asked = threading.Event()


class Preempted(SystemExit):
    """The process was asked to stop, and all that was finished is written.

    Args:
        code: Exit code of the process.
    """

    def __init__(self, code: int = EXIT_CODE) -> None:
        super().__init__(code)


def on_sigterm(signum: int, frame: FrameType | None) -> None:
    """Note the request, and hand it on to the processes that this one has started.

    Args:
        signum: Number of the signal; not used.
        frame: Where the process was; not used.
    """
    if not _asked.is_set():
        _asked.set()
        _tell_children()


def stop_at_once(signum: int, frame: FrameType | None) -> None:
    """End the process where it is; files are whole or not there at any moment.

    Args:
        signum: SIGTERM or SIGINT.
        frame: Where the process was; not used.

    Raises:
        Preempted: with the exit code of the signal.
    """
    if signum == signal.SIGTERM:
        on_sigterm(signum, frame)  # what swallows the exception leaves at the next chance
    if "multiprocessing" not in sys.modules or sys.modules["multiprocessing"].parent_process() is None:
        name = "SIGTERM" if signum == signal.SIGTERM else "Ctrl-C"
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, f"\n{STOPPED % name}\n".encode())
    raise Preempted(EXIT_CODE if signum == signal.SIGTERM else INTERRUPTED)


def _tell_children() -> None:
    if multiprocessing := sys.modules.get("multiprocessing"):  # else there are none
        for child in multiprocessing.active_children():
            if child.pid is not None:
                os.kill(child.pid, signal.SIGTERM)


def _in_main_thread() -> bool:
    """Say whether signals can be had: outside the main thread nothing changes."""
    return threading.current_thread() is threading.main_thread()


def listen() -> None:
    """Take SIGTERM over from whoever has it; in a process that was started for its share, Ctrl-C as well."""
    if _in_main_thread():
        signal.signal(signal.SIGTERM, on_sigterm)
        multiprocessing = sys.modules.get("multiprocessing")
        if multiprocessing is not None and multiprocessing.parent_process() is not None:
            signal.signal(signal.SIGINT, stop_at_once)


@contextmanager
def _restored(*signals: signal.Signals) -> Iterator[None]:
    """Leave signals as they were."""
    before = {number: signal.getsignal(number) for number in signals}
    try:
        yield
    finally:
        if _in_main_thread():
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def stoppable() -> Iterator[None]:
    """End at once when asked to, during a block, with one sentence in place of a traceback."""
    with _restored(signal.SIGTERM, signal.SIGINT):
        if _in_main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, stop_at_once)
        yield


@contextmanager
def preemptible() -> Iterator[None]:
    """Listen during a block, and leave the signal as it was."""
    with _restored(signal.SIGTERM):
        listen()
        yield


def leave_if_asked() -> None:
    """End the process if it was asked to.

    Raises:
        Preempted: with the exit code of a temporary failure.
    """
    if _asked.is_set():
        log.warning(STOPPED, "SIGTERM")
        raise Preempted
