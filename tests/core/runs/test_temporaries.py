"""What killed processes were writing is removed, wherever they were writing it; what living ones write stays."""

import multiprocessing
import os
import signal

from splice_exp.core.io import atomic
from splice_exp.core.runs import file_digests
from splice_exp.core.runs.file_digests import keep, keep_digests_in
from splice_exp.core.runs.temporaries import remove_leftovers


def _die_while_writing(path):
    with atomic(path) as temporary:
        temporary.write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)


def test_leftovers_of_killed_processes_are_removed_and_others_stay(tmp_path):
    process = multiprocessing.get_context("fork").Process(target=_die_while_writing, args=(tmp_path / "a~b.txt",))
    process.start()
    process.join()
    (leftover,) = tmp_path.iterdir()
    with atomic(tmp_path / "c.txt") as temporary:
        temporary.write_text("whole")
        remove_leftovers(tmp_path)
        assert not leftover.exists()
    (tmp_path / ".hidden~file").touch()
    remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"c.txt", ".hidden~file"}


def _die_while_keeping(cache):
    keep_digests_in(cache)
    file_digests.os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    keep("code", {"a": 1})


def test_what_was_kept_by_halves_is_removed_by_who_keeps_it_next(tmp_path, monkeypatch):
    process = multiprocessing.get_context("fork").Process(target=_die_while_keeping, args=(tmp_path,))
    process.start()
    process.join()
    (leftover,) = (tmp_path / "digests").iterdir()
    assert leftover.name.startswith(".code~")
    monkeypatch.setattr(file_digests, "_KEPT_IN", [])
    keep_digests_in(tmp_path)
    keep("code", {"a": 1})
    assert [path.name for path in (tmp_path / "digests").iterdir()] == ["code.json"]
