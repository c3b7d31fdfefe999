"""Which error a run shows, of several processes and of earlier attempts."""

import json
import os

import pytest

from splice_exp.core import run_directory
from splice_exp.core.run_directory import UNFINISHED, error_of, forget_errors, is_complete, write_error


@pytest.fixture
def rank(monkeypatch):
    return lambda number: monkeypatch.setenv("RANK", str(number))


def test_of_several_processes_the_one_that_failed_first_says_why(tmp_path, rank):
    rank(1)
    write_error(tmp_path, "out of memory")
    rank(0)
    write_error(tmp_path, "connection closed by peer")
    assert error_of(tmp_path) == "process 1: out of memory"


def test_a_process_forgets_its_own_error_and_old_ones_of_others(tmp_path, rank):
    rank(1)
    write_error(tmp_path, "of an earlier attempt")
    path = tmp_path / "error_of_process_1.json"
    os.utime(path, (0, 0))
    rank(0)
    write_error(tmp_path, "mine")
    forget_errors(tmp_path)
    assert error_of(tmp_path) == UNFINISHED
    rank(1)
    write_error(tmp_path, "of this attempt, sooner than process 0 was ready")
    rank(0)
    forget_errors(tmp_path)
    assert error_of(tmp_path).startswith("process 1: of this attempt")


def test_metrics_mean_complete_and_a_later_error_counts(tmp_path):
    assert not is_complete(tmp_path)
    (tmp_path / run_directory.METRICS).write_text("{}")
    assert is_complete(tmp_path)
    assert error_of(tmp_path) is None
    write_error(tmp_path, "later")
    assert error_of(tmp_path) == "later"
    assert set(json.loads((tmp_path / "error.json").read_text())) == {"error", "time"}


def test_an_error_older_than_the_metrics_is_of_an_earlier_attempt(tmp_path, rank):
    rank(1)
    write_error(tmp_path, "of an earlier attempt")
    os.utime(tmp_path / "error_of_process_1.json", (1, 1))
    (tmp_path / run_directory.METRICS).write_text("{}")
    assert error_of(tmp_path) is None
