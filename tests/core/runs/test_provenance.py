import os
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from splice_exp.build import build
from splice_exp.configuration import forget_samples, samples_of
from splice_exp.core.errors import SpliceError
from splice_exp.core.io import write_json
from splice_exp.core.runs import provenance
from splice_exp.core.runs.provenance import environment
from splice_exp.core.tensors import write_tensors
from splice_exp.data.image_folder import ImageFolder


def run_id(config):
    """Return the identity of a run, as a command of its own would."""
    forget_samples()
    return provenance.run_id(config, samples_of)


SCIENCE = {"backbone": {"dim": 8}, "solver": {"l1_penalty": 0.25}, "seed": 0}


def test_what_is_not_science_does_not_change_the_id():
    assert run_id(SCIENCE) == run_id({**SCIENCE, "logger": "wandb", "paths": {"results": "x"}, "force": True})
    assert run_id(SCIENCE) != run_id({**SCIENCE, "seed": 1})
    assert run_id({"vocabulary": {"size": 1, "cache": "a"}}) == run_id({"vocabulary": {"size": 1, "cache": "b"}})


def test_files_count_by_content_not_by_place(tmp_path):
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    write_tensors(first, {"embeddings": torch.ones(2, 2)})
    shutil.copy(first, second)
    ids = [run_id({"data": {"path": str(path)}}) for path in (first, second)]
    assert ids[0] == ids[1]
    write_tensors(second, {"embeddings": torch.zeros(2, 2)})
    assert run_id({"data": {"path": str(second)}}) != ids[0]
    write_json(tmp_path / "a.json", {"classes": ["x"]})
    assert run_id({"data": {"path": str(first)}}) != ids[0]


def test_how_a_number_is_written_does_not_matter_and_a_name_is_a_name():
    assert run_id({"solver": {"l1_penalty": 1}}) == run_id({"solver": {"l1_penalty": 1.0}})
    assert run_id({"solver": {"nonnegative": True}}) != run_id({"solver": {"nonnegative": 1}})
    assert run_id({"data": {"name": "a"}}) == run_id({"data": {"name": "b"}})


def test_files_without_a_suffix_count_by_content_too(tmp_path):
    words = tmp_path / "words"
    words.write_text("ant")
    before = run_id({"vocabulary": {"path": str(words)}})
    words.write_text("bee")
    assert run_id({"vocabulary": {"path": str(words)}}) != before


@pytest.fixture
def folder(tmp_path):
    """Two cats, one dog, and what has nothing to do with them."""
    folder = tmp_path / "pictures"
    for name in ("cats/a.bmp", "cats/b.bmp", "dogs/c.bmp"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), "red").save(folder / name)
    return folder


def folder_of(root, **others):
    return {"data": {"_target_": "splice_exp.data.image_folder.ImageFolder", "root": str(root), **others}}


def test_a_folder_of_pictures_counts_by_those_that_are_used(folder, tmp_path):
    """Otherwise an image that was added would be answered by the record without it."""
    before = run_id(folder_of(folder))
    copy = shutil.copytree(folder, tmp_path / "copy")
    assert run_id(folder_of(copy, name="pictures")) == run_id(folder_of(folder, name="pictures"))
    for name in ("notes.txt", "cats/Thumbs.db", "cats/a.npy"):
        (folder / name).write_bytes(b"no picture")
    assert run_id(folder_of(folder)) == before
    Image.new("RGB", (8, 8), "blue").save(folder / "cats" / "d.bmp")
    assert run_id(folder_of(folder)) != before


def test_a_picture_replaced_by_one_of_the_same_size_is_another_run(folder):
    before = run_id(folder_of(folder))
    path = folder / "cats" / "b.bmp"
    status = path.stat()
    Image.new("RGB", (8, 8), "blue").save(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    assert run_id(folder_of(folder)) != before


def test_of_pictures_within_the_limit_only_these_count(folder):
    before = run_id(folder_of(folder, limit=1))
    Image.new("RGB", (8, 8), "blue").save(folder / "dogs" / "c.bmp")
    assert run_id(folder_of(folder, limit=1)) == before


@pytest.mark.parametrize("absolute", [False, True])
def test_a_table_of_pictures_counts_by_those_that_it_names(folder, absolute):
    table = folder / "table.csv"
    within = f"{str(folder)[1:]}/" if absolute else ""
    table.write_text(f"file,label\n{within}cats/a.bmp,cat\n{within}dogs/c.bmp,dog\n")
    kind = "splice_exp.data.image_table.ImageTable"
    config = {"data": {"_target_": kind, "table": str(table), "root": "/" if absolute else None}}
    before = run_id(config)
    Image.new("RGB", (8, 8), "blue").save(folder / "cats" / "b.bmp")
    assert run_id(config) == before
    Image.new("RGB", (8, 8), "blue").save(folder / "dogs" / "c.bmp")
    assert run_id(config) != before


def test_everything_is_no_folder_of_pictures(folder):
    """It is not walked, and the run says so."""
    assert run_id(folder_of("/")) == run_id(folder_of("/"))
    with pytest.raises(SpliceError, match="data.root is '/', where everything is: name the folder of your images"):
        build(folder_of("/")["data"], "data")


def test_the_files_of_a_sweep_are_looked_at_once(folder, monkeypatch):
    forget_samples()
    walked = []
    monkeypatch.setattr(ImageFolder, "identity", lambda data: walked.append(data) or "the samples")
    ids = {provenance.run_id({**folder_of(folder), "seed": seed}, samples_of) for seed in range(5)}
    assert len(ids) == 5
    assert len(walked) == 1


def test_a_published_set_is_known_by_its_name(tmp_path):
    published = {"data": {"_target_": "splice_exp.data.torchvision_sets.TorchvisionSet", "root": str(tmp_path)}}
    before = run_id(published)
    (tmp_path / "another_set").mkdir()
    (tmp_path / "another_set" / "c.bin").write_bytes(b"c")
    assert run_id(published) == before


def test_a_class_folder_that_is_a_link_counts_by_what_is_in_it(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.jpg").write_bytes(b"a")
    root = tmp_path / "pictures"
    root.mkdir()
    (root / "cats").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (root / "cats" / "again").symlink_to(root, target_is_directory=True)  # a circle
    config = {"data": {"_target_": "splice_exp.data.image_folder.ImageFolder", "root": str(root)}}
    before = run_id(config)
    (tmp_path / "elsewhere" / "a.jpg").write_bytes(b"b")
    assert run_id(config) != before


def test_a_saved_data_set_counts_by_the_files_that_it_lists(tmp_path):
    """Not by caches, which `datasets` writes beside them."""
    saved = tmp_path / "saved"
    saved.mkdir()
    (saved / "state.json").write_text('{"_data_files": [{"filename": "data-0.arrow"}]}')
    (saved / "data-0.arrow").write_bytes(b"rows")
    config = {"data": {"path": str(saved)}}
    before = run_id(config)
    (saved / "cache-12.arrow").write_bytes(b"cache")
    assert run_id(config) == before
    (saved / "data-0.arrow").write_bytes(b"sows")
    assert run_id(config) != before
    (saved / "state.json").write_text("{")
    assert run_id(config) == run_id(config)


def test_a_folder_that_cannot_be_read_is_left_to_the_run_that_meets_it(tmp_path, monkeypatch):
    scan = os.scandir

    def refuse(path="."):
        if Path(path) != tmp_path:
            return scan(path)
        raise PermissionError(13, "Permission denied", str(path))

    config = {"data": {"_target_": "splice_exp.data.image_folder.ImageFolder", "root": str(tmp_path)}}
    monkeypatch.setattr("os.scandir", refuse)
    assert run_id(config)
    with pytest.raises(SpliceError, match=r"^The folder .* cannot be read \(Permission denied\)\.$"):
        ImageFolder(str(tmp_path))


def test_environment_names_what_is_needed_to_repeat():
    found = environment(seed=3, device="cpu")
    assert found["seed"] == 3
    assert found["packages"]["torch"] == torch.__version__.split("+")[0]
    assert {"git_commit", "git_diff", "command", "python", "platform"} <= found.keys()


def test_a_folder_of_weights_counts_by_content_wherever_it_is(tmp_path):
    def identity(folder, content):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "model.safetensors").write_bytes(content)
        return run_id({"backbone": {"model": f"local-dir:{tmp_path / folder}"}})

    assert identity("a", b"weights") == identity("b", b"weights")
    assert identity("a", b"weights") != identity("b", b"others")
    before = identity("a", b"weights")
    (tmp_path / "a" / "README.md").write_text("a card")
    assert identity("a", b"weights") == before


def test_pictures_of_ones_own_count_by_name_and_content(tmp_path):
    def identity(*names):
        return run_id({"data": {"paths": [str(tmp_path / name) for name in names]}})

    for name in ("x.png", "y.png"):
        (tmp_path / name).write_bytes(b"the same")
    assert identity("x.png") != identity("y.png")  # else the table of one would be shown for the other
    before = identity("x.png"), run_id({"data": {"paths": [str(tmp_path)]}})
    (tmp_path / "x.png").write_bytes(b"another!")
    (tmp_path / "results").mkdir()
    after = run_id({"data": {"paths": [str(tmp_path)]}})
    assert identity("x.png") != before[0]
    assert after != before[1]
    (tmp_path / "results" / "z.png").write_bytes(b"not among them")
    (tmp_path / "notes.txt").write_text("no picture")
    assert run_id({"data": {"paths": [str(tmp_path)]}}) == after
