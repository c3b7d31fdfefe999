"""The rehearsal itself: miniatures are read as what they replace, presets run on them, and what fails is said."""

import multiprocessing
import os
import socket
import subprocess
import sys

import pytest
import pytest_socket

from scripts.rehearsal import __main__ as rehearsal
from scripts.rehearsal import data_sets
from scripts.rehearsal.stand_ins import block_network
from splice_exp.configuration import CONFIG_DIRECTORY, resolve
from splice_exp.run import build
from tests.scripts.test_tables import ROOT
from tests.test_configuration import composed

OWN = {"clip_retrieval", "embeddings_file", "huggingface", "image_folder", "image_table", "pictures", "webdataset"}
PUBLISHED = sorted(
    path.stem
    for path in (CONFIG_DIRECTORY / "data").glob("*.yaml")
    if path.stem not in OWN and not path.stem.startswith(("planted", "scenes"))
)
QUICK = ("modality_gap", "sith_judged", "zero_shot_sparsity")  # captions; a judge and published numbers; many rows


@pytest.fixture(scope="module")
def miniatures(tmp_path_factory):
    root = tmp_path_factory.mktemp("miniatures")
    data_sets.write_data_sets(root)
    return root


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_data_set_has_a_miniature(miniatures, monkeypatch, name):
    monkeypatch.setattr("torchvision.datasets.utils.check_md5", lambda *_, **__: True)
    data = build(resolve(composed(f"data={name}", f"paths.data={miniatures}", "logger=none"))["data"], "data")
    assert 10 <= len(data) <= 400  # of faces there are more: a published split takes 75 of each kind, twice
    assert len(data.inputs(0, len(data))) == len(data)
    if data.labels is not None:
        assert len(set(data.labels.tolist())) >= 2


def rehearse(*words):
    return subprocess.run(
        [sys.executable, "-m", "scripts.rehearsal", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.mark.slow
def test_presets_run_from_the_command_to_the_table(tmp_path):
    found = rehearse(*QUICK, "--folder", str(tmp_path / "made"))
    assert found.returncode == 0, found.stdout + found.stderr
    assert f"{len(QUICK)} of {len(QUICK)} presets" in found.stdout
    assert "zero_shot_sparsity: dictionary=text,random,learned × solver.l1_penalty=0.01,0.02" in found.stdout
    for name in QUICK:
        assert (tmp_path / "made" / name / "tables" / f"paper_{name}.md").is_file()


def test_another_folder_is_not_emptied(tmp_path):
    (tmp_path / "thesis.tex").touch()
    found = rehearse("linearity", "--folder", str(tmp_path))
    assert found.returncode == 2
    assert "holds other things" in found.stderr
    assert (tmp_path / "thesis.tex").is_file()


def test_a_preset_there_is_not_is_said():
    found = rehearse("linearty")
    assert found.returncode == 2
    assert "no preset begins with linearty: there are ablation_centering, " in found.stderr


def test_what_failed_is_listed_under_its_preset():
    outcome = {
        "swept": "seed=0,1",
        "built": ["seed=0"],
        "parts": ["Retrieval", "Splice"],
        "computed": [],
        "published": (1, 3),
        "errors": ["not built: x"],
    }
    outcome |= {"seconds": 2.0, "processor": 1.0, "memory": 2**30}
    line = rehearsal.in_a_line("linearity", outcome)
    assert line.startswith("FAILED linearity ")
    assert line.endswith("1.0 GiB: 1 built, 0 computed, 1 of 3 published numbers beside")
    assert rehearsal.in_rows("linearity", outcome) == [
        "linearity: seed=0,1",
        "    built: Retrieval, Splice",
        "    error: not built: x",
    ]


def look_around(found):
    """Connect to this machine and to others from a process of its own, in which the rehearsal alone forbids it."""
    pytest_socket._remove_restrictions()
    block_network()
    server = socket.create_server(("127.0.0.1", 0))
    socket.create_connection(server.getsockname())
    for there in (("192.0.2.1", 80), ("huggingface.co", 443)):
        try:
            socket.create_connection(there)
        except PermissionError as error:
            found.put(str(error))
    found.put("looked around")


def test_the_network_is_this_machine():
    forked = multiprocessing.get_context("fork")  # it has imported everything
    found = forked.SimpleQueue()
    process = forked.Process(target=look_around, args=(found,))
    process.start()
    process.join()
    assert process.exitcode == 0
    said = [found.get() for _ in range(3)]
    assert all(one.startswith("the rehearsal has no network") for one in said[:2])
    assert said[2] == "looked around"


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_both_parts_of_cifar_are_the_training_part_and_then_the_test_part(miniatures, monkeypatch, name):
    monkeypatch.setattr("torchvision.datasets.utils.check_md5", lambda *_, **__: True)
    shared = (f"data={name}", f"paths.data={miniatures}", "logger=none")
    train, test, both = (
        build(resolve(composed(*shared, f"data.split={split}"))["data"], "data") for split in ("train", "test", "all")
    )
    assert both.labels.tolist() == [*train.labels.tolist(), *test.labels.tolist()]
    assert both.content([len(train)]) == test.content([0])
