"""Files that a command names are looked for before any work, and without torch: what is lacking is one sentence."""

import re
import shutil
import subprocess
import sys

import pytest
import torch
from PIL import Image

from splice_exp import Cocoa, Sith, Splice
from splice_exp.configuration import CONFIG_DIRECTORY, PACKAGE, inputs_of, register
from splice_exp.core.assets import SCENES_CLIP
from splice_exp.core.errors import SpliceError
from splice_exp.inputs import WITHOUT_CONCEPTS, encoder_of, needs_concepts, refusal
from splice_exp.points import Point, changed_by
from tests.test_cli import POINT, run_here
from tests.test_configuration import composed
from tests.test_startup import ANSWERED_WITHOUT, imported

register()
REAL_HUB = "models--laion--CLIP-ViT-B-32-laion2B-s34B-b79K"
NAME = "open_clip_model.safetensors"


@pytest.fixture
def cut_off(tmp_path):
    """A cache of the hub whose weights were cut off, and files of weights that were, too."""
    repository = tmp_path / "hub" / REAL_HUB
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("a" * 40)
    file = repository / "snapshots" / ("a" * 40) / NAME
    file.parent.mkdir(parents=True)
    header = b'{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}'
    file.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 20)
    torch.save({"state_dict": {"a": torch.ones(99)}}, tmp_path / "whole.pth")
    (tmp_path / "half.pth").write_bytes((tmp_path / "whole.pth").read_bytes()[:500])
    shutil.copytree(SCENES_CLIP / "1", tmp_path / "bare", ignore=shutil.ignore_patterns("image_mean*"))
    return tmp_path


PHOTOGRAPHS = ("backbone=vit_b_32_laion2b", "data=cifar10")
LACKING = {
    "weights": (PHOTOGRAPHS, "was not found locally"),
    "weights of a sweep": (("experiment=paper/zero_shot",), "was not found locally"),
    "weights of COCOA": (("experiment=paper/cocoa_imagenet",), "converter"),
    "data": (("data=cifar10",), "prepare-data cifar10 --root data puts it there"),
    "data of a sweep of COCOA": (
        ("experiment=paper/cocoa_imagenet", "backbone.weights={folder}/whole.pth"),
        "data.root is 'data/imagenet/val', but there is no such folder: ImageNet-1k is put there by hand",
    ),
    "data that are swept": (("-m", "data=cifar10,cifar100"), "prepare-data cifar10"),
    "training data": (
        ("experiment=probing", "data@evaluation.train=cifar10"),
        "evaluation.train.root is 'data', but cifar10 is not there",
    ),
    "damaged weights of COCOA": (
        ("experiment=paper/cocoa_mura", "backbone.weights={folder}/half.pth"),
        "half.pth is damaged: its end is missing, so the file was cut off; fetch it again",
    ),
    "damaged weights by file": (
        (*PHOTOGRAPHS, "backbone.weights={folder}/half.pth"),
        "half.pth is damaged: its end is missing, so the file was cut off; fetch it again",
    ),
    "a list": (("vocabulary=file", "vocabulary.path=words.txt"), "vocabulary.path is 'words.txt', but there is no"),
    "names of ConceptNet": (
        ("vocabulary=conceptnet",),
        "build-lexicon conceptnet conceptnet-assertions-5.7.0.csv.gz --output data/lexicons/conceptnet.txt makes it",
    ),
    "names of WordNet": (("vocabulary=wordnet",), "build-lexicon wordnet --output data/lexicons/wordnet.txt makes it"),
    "a mean": (("alignment.image_mean=mean.pt",), "alignment.image_mean is 'mean.pt', but must be one of"),
    "a mean of another format": (("alignment.image_mean={folder}/whole.zip",), "but must be one of"),
    "an official mean": (
        (
            "backbone=open_clip",
            "backbone.model=local-dir:{folder}/bare",
            "alignment.image_mean=official",
        ),
        "no mean was published for the backbone local-dir:",
    ),
    "a tag": (("backbone=vit_b_32_openai", "backbone.pretrained=openay"), "which is no tag, and there is no such file"),
    "tar files": (("data=webdataset", "data.shards=none.tar"), "data.shards names 'none.tar', but there is no file"),
    "own images": (("data=pictures", "data.paths=[none.png]"), "data.paths names 'none.png', but there is no such"),
    "embeddings": (("data=embeddings_file", "data.path=E.npz"), "data.path is 'E.npz', but there is no such file"),
}


@pytest.mark.parametrize("case", LACKING)
def test_what_is_lacking_is_one_sentence_without_torch(cut_off, monkeypatch, case):
    words, message = LACKING[case]
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(cut_off / "none"))
    modules, said = imported(cut_off, *(word.format(folder=cut_off) for word in words))
    assert sorted(modules & set(ANSWERED_WITHOUT)) == []
    assert said.count("error: ") == 1
    assert message in " ".join(said.split())
    assert not (cut_off / "results").exists()  # nothing was computed


def test_damaged_weights_of_a_cache_are_named_with_the_command_that_replaces_them(cut_off, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(cut_off / "hub"))
    modules, said = imported(cut_off, *PHOTOGRAPHS)
    assert sorted(modules & set(ANSWERED_WITHOUT)) == []
    said = " ".join(said.split())
    assert f"snapshots/{'a' * 40}/{NAME} is damaged: it has 83 bytes, but its header announces 99; where there" in said
    assert f"hf download laion/CLIP-ViT-B-32-laion2B-s34B-b79K {NAME} --force-download` and copy its cache" in said
    assert "or set backbone.weights to the file." in said


def test_a_run_that_failed_before_is_refused_as_quickly(tmp_path):
    for _ in range(2):
        (tmp_path / "results/local/runs/splice/x").mkdir(parents=True, exist_ok=True)  # of a run without a record
        modules, said = imported(tmp_path, "data=cifar10")
        assert "prepare-data cifar10" in " ".join(said.split())
        assert "torch" not in modules


def test_rows_that_cannot_begin_are_named_before_the_others_are_computed(tmp_path, capfd):
    planted = PACKAGE / "assets" / "planted_vocabulary.txt"
    paths = f"vocabulary.path={planted},{tmp_path}/none.txt"
    assert run_here(tmp_path / "results", "-m", *POINT, paths) == 1
    out, err = (" ".join(text.split()) for text in capfd.readouterr())
    assert f"1 of 2 rows cannot begin: vocabulary.path is '{tmp_path}/none.txt', but there is no such file" in out
    assert "error: path none.txt: vocabulary.path is" in err
    assert len(list((tmp_path / "results").glob("runs/*/*/metrics.json"))) == 1


def test_a_list_that_cannot_be_read_is_refused_before_anything_is_embedded(tmp_path, capfd):
    (tmp_path / "words.txt").write_text("star\nheart\n")
    words = (f"vocabulary.path={tmp_path}/words.txt", "vocabulary.exclude=[hart]")
    assert run_here(tmp_path / "results", *POINT, *words) == 1
    assert "vocabulary.exclude names 'hart'" in " ".join(capfd.readouterr().err.split())
    assert not list((tmp_path / "results" / "cache").glob("**/*.safetensors"))


ASKS = re.compile(r"study\.dictionary|\.decomposition\b|\.codes\b|vocabulary|\.ingredients")


def test_evaluations_without_concepts_are_those_that_ask_for_none():
    """So that a list that no one reads is not looked for, and one that is read always is."""
    found = set()
    for path in sorted((CONFIG_DIRECTORY / "evaluation").glob("*.yaml")):
        target = re.search(r"^_target_: (\S+)", path.read_text(), re.MULTILINE)[1]
        source = (PACKAGE.parent / (target.rpartition(".")[0].replace(".", "/") + ".py")).read_text()
        code = "\n".join(line for line in source.splitlines() if not re.match(r"\s*(from|import) ", line))
        body = re.sub(r'""".*?"""', "", code, flags=re.DOTALL)
        if not ASKS.search(body):
            found.add(target)
    assert found >= WITHOUT_CONCEPTS


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        ((), True),
        (("evaluation=linearity",), False),
        (("dictionary=class_names",), False),
        (("dictionary=learned",), False),
        (("dictionary=random",), True),
        (("evaluation=cocoa_localization",), False),
    ],
)
def test_a_list_is_looked_for_where_it_is_read(tmp_path, words, needed):
    absent = ("vocabulary=file", f"vocabulary.path={tmp_path}/none.txt")
    config = inputs_of(composed(*words, *absent))
    assert needs_concepts(config) == needed
    assert (refusal(config) is not None) == needed


def test_a_list_inside_an_evaluation_is_looked_for(tmp_path):
    absent = ("vocabulary=file", f"vocabulary.path={tmp_path}/none.txt")
    Image.new("RGB", (8, 8)).save(tmp_path / "photo.png")
    words = ("experiment=explain", f"data.paths=[{tmp_path}]", "evaluation.corpus.texts=[star]")
    found = str(refusal(inputs_of(composed(*words, *absent))))
    assert found.startswith(f"vocabulary.path is '{tmp_path}/none.txt', but there is no such file")


def test_the_name_of_an_encoder_is_known_before_it_is_built():
    words = ("backbone=open_clip", f"backbone.model=local-dir:{SCENES_CLIP}/0", "backbone.pretrained=null")
    assert encoder_of(inputs_of(composed(*words))["backbone"]) == Splice.load().backbone.encoder
    assert encoder_of(inputs_of(composed("backbone=open_clip"))["backbone"]) == "ViT-B-32/laion2b_s34b_b79k"


def test_what_may_set_anything_changes_everything():
    everything = changed_by([Point((), {"paths.data": "elsewhere"})])
    assert everything == changed_by([Point((), {"experiment": "probing"})])
    assert "backbone" in everything
    assert changed_by([Point((), {"seed": "1"}), Point((), {"seed": "2"})]) == ()
    assert changed_by([Point((), {"variant": "no_such"})]) == everything


LOADED = """
import sys
from splice_exp import {name}
try:
    {call}
except Exception as error:
    print(type(error).__name__, error.__cause__, error.__suppress_context__, error)
print(sorted({{"open_clip", "torchvision", "scipy.stats", "sklearn", "lightning"}} & set(sys.modules)))
"""


@pytest.mark.parametrize(
    ("name", "call", "message"),
    [
        ("Splice", "Splice.load('open_clip:ViT-B-32', vocabulary='laion')", "was not found locally, and cannot be"),
        ("Splice", "Splice.load('ViT-B-32', vocabulary=['a'])", "pretrained must name the weights of ViT-B-32"),
        ("Splice", "Splice.load(vocabulary='conceptnet')", "build-lexicon conceptnet"),
        ("Splice", "Splice.load(mean='mean.pt')", "mean is 'mean.pt', but there is no such file"),
        ("Cocoa", "Cocoa.load('clip:ViT-B/32')", "was not found locally, and cannot be"),
        ("Cocoa", "Cocoa.load(vocabulary='words.txt')", "vocabulary is 'words.txt', but must be one of"),
        ("Sith", "Sith.load('ViT-L-14', 'laion2b_s32b_b82k', vocabulary=['a'])", "was not found locally, and cannot"),
    ],
)
def test_in_python_files_are_missed_before_models_are_imported(tmp_path, monkeypatch, name, call, message):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    script = LOADED.format(name=name, call=call)
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    said, modules = done.stdout.strip().splitlines()
    assert modules == "[]"
    assert said.startswith("SpliceError None ")
    assert message in said


def test_a_list_that_cannot_be_fetched_shows_no_other_error(tmp_path, monkeypatch):
    from splice_exp.dictionaries import vocabulary

    monkeypatch.setattr(vocabulary, "DOWNLOADS", str(tmp_path))
    for load in (Splice.load, Sith.load, Cocoa.load):
        with pytest.raises(
            SpliceError, match=r"laion\.txt cannot be reached .*: put the file there by hand\.$"
        ) as stop:
            load(vocabulary="laion")
        assert stop.value.__cause__ is None
        assert stop.value.__suppress_context__
