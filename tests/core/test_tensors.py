"""Files of torch are read in both of their formats; others are refused in our words, as torch advises to run them."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models import resnet18

from splice_exp.backbones.open_clip import OpenClipBackbone
from splice_exp.backbones.resnet import read_state
from splice_exp.core.errors import SpliceError
from splice_exp.core.tensors import read_pt
from splice_exp.embeddings.geometry import read_mean

BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "page": (lambda path: path.write_text("<!DOCTYPE html><html>"), r"no file of torch .it begins with '<!DOCTYPE"),
    "lfs": (lambda path: path.write_text("version https://git-lfs.github.com/spec/v1"), "pointer of git-lfs"),
    "text": (lambda path: path.write_text("exact"), "no file of torch .it begins with 'exact'"),
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "cut off": (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(40)), "is damaged, or holds more than tensors"),
    "pickle": (lambda path: path.write_bytes(b"\x80\x04broken"), "is damaged, or holds more than tensors"),
    "object": (lambda path: torch.save({"a": subprocess.Popen}, path), "is damaged, or holds more than tensors"),
    "missing": (lambda path: None, "cannot be read .No such file"),
}


@pytest.fixture(params=BAD.values(), ids=BAD.keys())
def bad(request, tmp_path):
    """A file that is none of torch, and what is said of it."""
    write, message = request.param
    write(tmp_path / "file.pt")
    return tmp_path / "file.pt", message


def test_bad_files_are_refused_without_advice_to_run_them(bad):
    file, message = bad
    for read in (lambda: read_pt(file, "weights"), lambda: read_mean(str(file), 3)):
        with pytest.raises(SpliceError, match=message) as stop:
            read()
        assert not any(word in str(stop.value) for word in ("weights_only", "pickle=", "\x1b", "\n"))


@pytest.mark.parametrize("argument", ["pretrained", "weights"])
def test_bad_weights_of_open_clip_are_refused_the_same_way(tmp_path, argument):
    file = tmp_path / "page.pt"
    file.write_text("<!DOCTYPE html>")
    given = {"pretrained": str(file)} if argument == "pretrained" else {"pretrained": "openai", "weights": str(file)}
    with pytest.raises(SpliceError, match=f"^{argument}: .*page.pt is no file of torch"):
        OpenClipBackbone("ViT-B-32", **given)


@pytest.mark.parametrize("new", [True, False])
def test_both_formats_of_torch_are_read(tmp_path, new):
    state = resnet18().state_dict()
    torch.save(state, tmp_path / "weights.pth", _use_new_zipfile_serialization=new)
    found = read_state(str(tmp_path / "weights.pth"), "")
    assert all(torch.equal(found[name], value) for name, value in state.items())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (np.array(["a"]), "holds <U1, but a mean is of real numbers"),
        (np.array([1 + 2j]), "holds complex128, but a mean is of real numbers"),
        (np.array([1, 2, 3]), "holds values of type torch.int64, but a mean is of real numbers"),
        (np.array([None]), "cannot be read as .npy .it holds Python objects"),
    ],
)
def test_a_mean_is_of_real_numbers(tmp_path, content, message):
    np.save(tmp_path / "mean.npy", content, allow_pickle=True)
    with pytest.raises(SpliceError, match=message):
        read_mean(str(tmp_path / "mean.npy"), 3)


def test_other_archives_of_numpy_are_no_mean(tmp_path):
    np.savez(tmp_path / "mean.npz", mean=np.ones(3))
    (tmp_path / "mean.npz").rename(tmp_path / "mean.npy")
    with pytest.raises(SpliceError, match="cannot be read as .npy .the content is of the other NumPy format"):
        read_mean(str(tmp_path / "mean.npy"), 3)


def test_a_mean_may_lie_beside_other_values(tmp_path):
    torch.save({"mean": torch.ones(3) / 2, "samples": 12}, tmp_path / "mean.pt")
    assert read_mean(str(tmp_path / "mean.pt"), 3).tolist() == [0.5, 0.5, 0.5]
    torch.save([torch.ones(3)], tmp_path / "mean.pt")
    with pytest.raises(SpliceError, match="holds 0 tensors, but must hold one"):
        read_mean(str(tmp_path / "mean.pt"), 3)


def test_files_of_weights_are_missed_before_torch_is_imported():
    words = "['experiment=paper/cocoa_cifar10', 'backbone.weights=nowhere.pth']"
    script = f"import sys; sys.argv[1:] = {words}; from splice_exp.cli import main\ntry: main()\n"
    script += "finally: print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.count("error:") == 1
    assert "error: backbone.weights is 'nowhere.pth', but there is no such file: put it there." in " ".join(
        done.stderr.split()
    )
    assert done.stdout.splitlines()[-1] == "False"
