"""Whether a run is complete, and which error it shows: of several processes, of earlier attempts, by any clock."""

import json
import os
import time

import pytest

from splice_exp.core.io import as_json, write_json
from splice_exp.core.runs.run_directory import (
    ENVIRONMENT,
    FILES,
    METRICS,
    UNFINISHED,
    alone,
    begin_attempt,
    damage,
    describe_files,
    describe_text,
    end_attempt,
    error_of,
    forget_errors,
    is_complete,
    write_error,
)


@pytest.fixture
def rank(monkeypatch):
    def become(number, of=2):
        monkeypatch.setenv("RANK", str(number))
        monkeypatch.setenv("WORLD_SIZE", str(of))

    return become


@pytest.fixture
def record(tmp_path):
    """A complete record with one table."""
    table = tmp_path / "samples.parquet"
    table.write_bytes(b"a table")
    write_json(tmp_path / ENVIRONMENT, {FILES: describe_files(tmp_path, table)})
    write_json(tmp_path / METRICS, {"l0/mean": 1.0})
    return tmp_path


def test_of_several_processes_the_one_that_failed_first_says_why(tmp_path, rank):
    rank(1)
    write_error(tmp_path, "out of memory")
    rank(0)
    write_error(tmp_path, "connection closed by peer")
    assert error_of(tmp_path) == "process 1: out of memory"


def test_a_process_forgets_its_own_error_and_those_of_processes_that_there_are_not(tmp_path, rank):
    for number in (2, 1, 0):
        rank(number, of=3)
        write_error(tmp_path, "of an earlier attempt")
    rank(0)
    forget_errors(tmp_path)  # of two processes now
    assert error_of(tmp_path) == "process 1: of an earlier attempt"
    rank(1)
    forget_errors(tmp_path)
    assert error_of(tmp_path) == UNFINISHED
    write_error(tmp_path, "of this attempt, sooner than process 0 was ready")
    rank(0)
    forget_errors(tmp_path)
    begin_attempt(tmp_path)
    assert error_of(tmp_path) == "process 1: of this attempt, sooner than process 0 was ready"


def test_metrics_mean_complete_and_a_later_error_counts_whatever_the_clock_says(record):
    assert is_complete(record)
    assert error_of(record) is None
    os.utime(record / METRICS, (time.time() + 3600,) * 2)
    write_error(record, "later")
    assert error_of(record) == "later"
    assert set(json.loads((record / "error.json").read_text())) == {"error", "time"}


def test_an_attempt_that_was_killed_is_not_finished_although_an_earlier_one_was(record):
    begin_attempt(record)
    os.utime(record / METRICS, (time.time() + 3600,) * 2)
    assert error_of(record) == UNFINISHED
    end_attempt(record)
    assert error_of(record) is None


def test_a_record_that_is_there_ends_what_processes_failed_by_before(record, rank):
    rank(1)
    write_error(record, "of an earlier attempt")
    rank(0)
    begin_attempt(record)
    end_attempt(record)
    assert error_of(record) is None


@pytest.mark.parametrize("content", ["{}", "", "[]", '{"error": 3, "time": "now"}', '{"error": null}', "\x00"])
def test_an_error_file_that_says_nothing_is_an_attempt_that_did_not_finish(record, content):
    (record / "error.json").write_text(content)
    assert error_of(record) == UNFINISHED


@pytest.mark.parametrize("name", ["error (1).json", "error.sync-conflict-1.json", "errors.json", "error_of_me.json"])
def test_copies_of_error_files_say_nothing(record, name):
    (record / name).write_text('{"error": "of long ago"}')
    (record / "error_of_process_7.json").mkdir()
    assert error_of(record) is None
    forget_errors(record)
    assert (record / name).is_file()


@pytest.mark.parametrize("name", [METRICS, ENVIRONMENT, "samples.parquet"])
@pytest.mark.parametrize("kept", [0, 0.5, None])
def test_a_record_with_a_file_that_was_cut_off_or_removed_is_not_complete(record, name, kept):
    path = record / name
    if kept is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    assert not is_complete(record)
    assert damage(record) == name
    assert error_of(record) == UNFINISHED


@pytest.mark.parametrize("content", ["{}", '{"a": 1}', "[]"])
def test_a_record_whose_environment_says_nothing_is_not_complete(record, content):
    """Else its report could not be made, now and for ever."""
    (record / ENVIRONMENT).write_text(content)
    assert damage(record) == ENVIRONMENT
    write_json(record / ENVIRONMENT, {"data": {}})  # as earlier versions, which listed no files
    assert is_complete(record)


@pytest.mark.parametrize("content", ["{}", '{\n  "l0/mean": 1.1\n}\n'])
def test_metrics_that_were_changed_are_not_those_of_the_record(record, content):
    write_json(record / ENVIRONMENT, {FILES: {METRICS: describe_text(as_json({"l0/mean": 1.0}))}})
    assert is_complete(record)
    (record / METRICS).write_text(content)
    assert damage(record) == METRICS


@pytest.mark.parametrize("name", ["samples.parquet", "figures/map.svg", "figures/map.png"])
def test_what_was_changed_is_no_part_of_its_record(record, name):
    (record / "figures").mkdir()
    for one in ("map.svg", "map.png"):
        (record / "figures" / one).write_bytes(b"a figure")
    files = [record / "samples.parquet", *(record / "figures").iterdir()]
    write_json(record / ENVIRONMENT, {FILES: describe_files(record, *files)})
    assert is_complete(record)
    content = (record / name).read_bytes()
    (record / name).write_bytes(content[:3] + b"1" + content[4:])
    assert damage(record) == name


def test_an_error_that_the_disk_does_not_take_is_remembered(tmp_path):
    directory = tmp_path / "a file"
    directory.touch()
    write_error(directory, "the disk is full")
    assert error_of(directory) == "the disk is full"
    forget_errors(directory)
    assert error_of(directory) == UNFINISHED


def test_two_that_write_a_record_take_turns(tmp_path):
    reader, writer = os.pipe()
    with alone(tmp_path):
        child = os.fork()
        if child == 0:
            with alone(tmp_path):
                os.write(writer, b"second")
            os._exit(0)
        time.sleep(0.2)
        os.write(writer, b"first ")
    os.waitpid(child, 0)
    assert os.read(reader, 100) == b"first second"
