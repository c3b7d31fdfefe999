"""The quick part of the table of faults, and commands that are stopped, or read what lies on a disk that is read only.

`make faults` tries the whole table.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.commands import run, warm_up
from tests.faults.table import (
    DAMAGES,
    Undisturbed,
    clock,
    damaged,
    full_disk,
    killed,
    may_mount,
    really_full_disk,
    signalled,
    small_disk,
    together,
)

pytestmark = pytest.mark.xdist_group("faults")  # what they begin with is made once


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    warm_up(tmp_path_factory.mktemp("warm"))
    made = {}

    def of(name):
        if name not in made:
            made[name] = Undisturbed.make(name, tmp_path_factory.mktemp("undisturbed"))
        return made[name]

    return of


@pytest.mark.parametrize("number", [1, 2])
def test_a_kill_is_survived(undisturbed, tmp_path, number):
    list(killed(undisturbed("zero_shot"), 3))[number][1](tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_sweep_that_is_asked_to_stop_between_two_points_says_how_to_go_on(undisturbed, tmp_path, number):
    list(signalled(undisturbed("sweep"), number, 2))[1][1](tmp_path)


def test_a_full_disk_is_one_sentence_and_the_command_goes_on_when_there_is_room(undisturbed, tmp_path):
    list(full_disk(undisturbed("zero_shot"), 2))[1][1](tmp_path)


def test_a_real_disk_that_is_full_is_one_sentence(undisturbed, tmp_path):
    if not may_mount(tmp_path):
        pytest.skip("this process may not mount a disk")
    ((_, fault),) = really_full_disk(undisturbed("zero_shot"), "results", (4096,))
    fault(tmp_path)


@pytest.mark.parametrize("name", ["metrics.json", "samples.parquet"])
def test_a_damaged_file_of_a_record_is_made_again(undisturbed, tmp_path, name):
    of = undisturbed("zero_shot")
    (fault,) = (fault for what, fault in damaged(of, ("cut off",)) if f"{name} of" in what)
    fault(tmp_path)


def test_a_failed_run_is_no_success_although_the_clock_went_back(undisturbed, tmp_path):
    ((_, fault),) = clock(undisturbed("zero_shot"))
    fault(tmp_path)


def test_two_sweeps_in_one_folder_do_not_disturb_each_other(undisturbed, tmp_path):
    ((_, fault),) = together(undisturbed("sweep"), 1)
    fault(tmp_path)


def test_an_error_file_that_says_nothing_is_forgotten_by_the_next_command(undisturbed, tmp_path):
    of = undisturbed("zero_shot")
    folder = of.copy(tmp_path)
    (directory,) = folder.glob("results/runs/*/*")
    (directory / "error.json").write_text("{}")
    ended = run("zero_shot", folder)
    assert (ended.code, "complete already" in ended.output) == (0, True), ended.output
    of.require_same(folder)


def test_copies_in_a_cache_are_left_alone(undisturbed, tmp_path):
    of = undisturbed("zero_shot")
    folder = of.copy(tmp_path)
    (shards,) = folder.glob("results/cache/embeddings/*")
    shard = shards / "000000000-000000008.safetensors"
    copies = [shards / f"{shard.stem}{copied}.safetensors" for copied in (" (1)", ".sync-conflict-20260101-120000-ABC")]
    for copy in copies:
        shutil.copyfile(shard, copy)
    ended = run("zero_shot", folder, "force=true", "repair=true")
    assert ended.code == 0, ended.output
    for copy in copies:
        copy.unlink()
    of.require_same(folder)


@pytest.mark.parametrize("name", ["zero_shot", "sweep"])
def test_what_is_finished_on_a_disk_that_is_read_only_is_read_again(undisturbed, tmp_path, name):
    if not may_mount(tmp_path):
        pytest.skip("this process may not mount a disk")
    of = undisturbed(name)
    folder = of.fresh(tmp_path)
    with small_disk(folder / "results", 2**24):
        shutil.copytree(of.folder / "results", folder / "results", dirs_exist_ok=True)
        subprocess.run(["mount", "-o", "remount,ro", str(folder / "results")], check=True)
        ended = run(name, folder)
        assert ended.code == 0, ended.output
        assert "complete already" in ended.output
        assert "results is read only: tables and figures there stay as they are" in ended.output
        assert "Traceback" not in ended.output
        of.require_same(folder)
        ended = run(name, folder, "seed=1")
        assert ended.code == 1
        assert "cannot be written (Read-only file system): set paths.results" in ended.output
        assert "Traceback" not in ended.output


@pytest.mark.parametrize(("number", "code", "name"), [(signal.SIGTERM, 75, "SIGTERM"), (signal.SIGINT, 130, "Ctrl-C")])
def test_a_command_that_has_just_begun_can_be_stopped(number, code, name):
    """While it imports what it is made of."""
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "splice_exp", "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    for line in process.stderr:
        if "omegaconf" in line:
            break
    process.send_signal(number)
    output = process.communicate()[1]
    assert process.returncode == code
    said = [line for line in output.splitlines() if line and not line.startswith("import time:")]
    assert said == [f"stopped by {name}; the same command goes on from here"]


def test_damages_are_damages(tmp_path):
    """Else the table would try nothing."""
    for kind, damage in DAMAGES.items():
        path = tmp_path / kind
        path.write_bytes(b"0123456789")
        damage(path)
        assert not path.is_file() or path.read_bytes() != b"0123456789"
