"""What data sets lack is found without torch, and in the words of the classes that read them."""

import shutil
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from scripts.rehearsal import data_sets
from splice_exp.build import build, components_in
from splice_exp.configuration import CONFIG_DIRECTORY, register, resolve
from splice_exp.core.errors import SpliceError
from splice_exp.core.keys import building
from splice_exp.data.presence.sources import LOOKS, require_source
from splice_exp.data.presence.torchvision_files import NEEDED
from splice_exp.data.torchvision_sets import KINDS
from tests.test_configuration import composed

register()
DRAWN = ("planted", "scenes")  # nothing to be missed
OWN = {  # that must be given
    "clip_retrieval": "data.root={}",
    "embeddings_file": "data.path={}",
    "huggingface": "data.path={}",
    "image_folder": "data.root={}",
    "image_table": "data.table={}",
    "pictures": "data.paths=[{}]",
    "webdataset": "data.shards={}",
}
PUBLISHED = sorted(
    path.stem
    for path in (CONFIG_DIRECTORY / "data").glob("*.yaml")
    if path.stem not in OWN and not path.stem.startswith(DRAWN)
)


def node_of(name, root, *overrides):
    given = [OWN[name].format(f"{root}/nowhere.npz")] if name in OWN else []
    return resolve(composed(f"data={name}", f"paths.data={root}", "logger=none", *given, *overrides))["data"]


def refused(look, node):
    """Return what is said, as for `data`."""
    with pytest.raises(SpliceError) as stop, building("data"):
        look(node)
    return str(stop.value)


@pytest.fixture(scope="module")
def miniatures(tmp_path_factory):
    root = tmp_path_factory.mktemp("miniatures")
    data_sets.write_data_sets(root)
    return root


def test_every_kind_of_data_set_is_looked_for():
    configured = {
        node["_target_"] for name in (*PUBLISHED, *OWN) for _, node in components_in(node_of(name, "nowhere"), "data")
    }
    assert configured == set(LOOKS)
    assert set(NEEDED) == set(KINDS)


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_is_there_is_not_refused(miniatures, name):
    require_source(node_of(name, miniatures))


@pytest.mark.parametrize("name", [*PUBLISHED, *OWN])
def test_what_is_not_there_is_refused_in_the_words_of_its_class(tmp_path, name):
    node = node_of(name, tmp_path / "empty")
    said = refused(require_source, node)
    assert said == refused(lambda one: build(one, "data"), node)
    assert str(tmp_path / "empty") in said
    assert "\n" not in said
    assert name in OWN or "python -m splice_exp prepare-data" in said or "put there by hand" in said


@pytest.mark.parametrize(("dataset", "needed"), [(name, path) for name, paths in NEEDED.items() for path in paths])
def test_torchvision_itself_needs_what_is_looked_for(miniatures, tmp_path, monkeypatch, dataset, needed):
    """So the look is not stricter than what reads the data."""
    monkeypatch.setattr("torchvision.datasets.utils.check_md5", lambda *_, **__: True)
    first = Path(needed).parts[0]
    shutil.copytree(miniatures / first, tmp_path / first)
    path = tmp_path / needed
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    said = refused(require_source, node_of(dataset, tmp_path))
    assert said.startswith(f"data.root is '{tmp_path}', but {dataset} is not there or damaged (there is no {path}): ")
    assert said.endswith(f"python -m splice_exp prepare-data {dataset} --root {tmp_path} puts it there.")
    kind = KINDS[dataset]
    with pytest.raises((RuntimeError, OSError, ValueError, SpliceError)):
        for split in kind.splits.values():
            data = kind.build(tmp_path, download=False, **split, **kind.options)
            for file in kind.files(data) if kind.files else ():
                file.stat()


def test_parts_of_a_data_set_are_looked_for(miniatures, tmp_path):
    for name, missing in (
        ("eurosat", "metadata.csv"),
        ("mura", "valid_image_paths.csv"),
        ("nico", "NICO_unique_official"),
    ):
        node = node_of(name, miniatures)
        folder = Path(node["root"])
        copy = tmp_path / folder.name
        shutil.copytree(folder, copy)
        path = copy / missing
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        assert f"data.root is '{path}', but there is no such f" in refused(require_source, {**node, "root": str(copy)})


def test_an_empty_folder_holds_no_images(tmp_path):
    node = node_of("imagenet", tmp_path)
    Path(node["root"]).mkdir(parents=True)
    assert "but that folder is empty" in refused(require_source, node)


@pytest.mark.parametrize(
    ("target", "argument", "wrong"),
    [
        ("archives.web_dataset.WebDataset", "shards", ["here.tar", "none.tar"]),
        ("archives.web_dataset.WebDataset", "shards", "part-{0..1}.tar"),
        ("archives.web_dataset.WebDataset", "shards", "none-*.tar"),
        ("archives.web_dataset.WebDataset", "shards", "empty"),
        ("archives.web_dataset.WebDataset", "classes", "none.txt"),
        ("picture_files.PictureFiles", "paths", ["here.png", "none.png"]),
        ("picture_files.PictureFiles", "paths", ["here.tar"]),
        ("picture_files.PictureFiles", "paths", ["empty"]),
    ],
)
def test_names_and_patterns_are_looked_for_as_they_are_read(tmp_path, monkeypatch, target, argument, wrong):
    monkeypatch.chdir(tmp_path)
    image = Path("here.png")
    Image.new("RGB", (4, 3)).save(image)
    Path("empty").mkdir()
    with tarfile.open("here.tar", "w") as archive:
        archive.add(image, "a.png")
        label = tarfile.TarInfo("a.cls")
        label.size = 1
        archive.addfile(label, BytesIO(b"0"))
    shutil.copy("here.tar", "part-0.tar")
    whole = {"shards": "here.tar"} if target.startswith("archives") else {"paths": ["here.png"]}
    node = {"_target_": f"splice_exp.data.{target}", **whole, argument: wrong}
    said = refused(require_source, node)
    assert said == refused(lambda one: build(one, "data"), node)
    assert said.startswith(f"data.{argument} ")
    require_source({**node, **whole, "classes": None})


def test_what_is_no_path_is_left_to_the_class():
    for wrong in ({"root": 3}, {"root": None}, {"root": "???"}, {}):
        require_source({"_target_": "splice_exp.data.mura.Mura", **wrong})
    for wrong in (3, None, [3], "???"):
        require_source({"_target_": "splice_exp.data.archives.web_dataset.WebDataset", "shards": wrong})
        require_source({"_target_": "splice_exp.data.picture_files.PictureFiles", "paths": wrong})
    require_source({"_target_": "my_package.Mine", "root": "nowhere"})


def test_it_takes_no_torch():
    script = "import sys, splice_exp.data.presence.sources, splice_exp.inputs; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
