"""A file of weights that was cut off, or is another thing, is known by its ends: nothing of it is read as tensors."""

import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file

from splice_exp.core.errors import SpliceError
from splice_exp.core.matrices.whole import require_whole


@pytest.fixture(params=["new.pt", "old.pt", "weights.safetensors", "empty.safetensors"])
def whole(request, tmp_path):
    path, tensors = tmp_path / request.param, {"a": torch.ones(40, 30), "b": torch.zeros(3, dtype=torch.int64)}
    if path.suffix == ".pt":
        torch.save(tensors, path, _use_new_zipfile_serialization=path.stem == "new")
    else:
        save_file({} if path.stem == "empty" else tensors, path, {"format": "pt"})
    return path


def test_whole_files_pass(whole):
    require_whole(whole, "weights")


@pytest.mark.parametrize("name", ["weights.pt", "weights.safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_files_that_were_cut_off_are_refused(tmp_path, name, share):
    path, tensors = tmp_path / name, {"a": torch.ones(40, 30), "b": torch.zeros(3)}
    torch.save(tensors, path) if path.suffix == ".pt" else save_file(tensors, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(SpliceError, match=rf"^backbone\.weights: .*{name} is .*; call them\.$|is empty: call them\.$"):
        require_whole(path, "backbone.weights", "call them")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "page.safetensors",
            b"<!DOCTYPE html><html>",
            "is no file of safetensors .it begins with '<!DOCTYPE html>",
        ),
        ("page.pt", b"<!DOCTYPE html><html>", "is no file of torch .it begins with '<!DOCTYPE html><html>'"),
        ("lfs.safetensors", b"version https://git-lfs.github.com/spec/v1", "is a pointer of git-lfs"),
        ("lfs.bin", b"version https://git-lfs.github.com/spec/v1", "is a pointer of git-lfs"),
        ("list.safetensors", (2).to_bytes(8, "little") + b"[]", "is no file of safetensors"),
        ("odd.safetensors", (8).to_bytes(8, "little") + b'{"a": 1}', "its header is damaged"),
        ("long.safetensors", (2).to_bytes(8, "little") + b"{}x", "has 11 bytes, but its header announces 10"),
        ("huge.safetensors", (2**60).to_bytes(8, "little") + b"{}", "is no file of safetensors"),
        ("missing.pt", None, "cannot be read .No such file"),
    ],
)
def test_other_files_are_refused(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SpliceError, match=message):
        require_whole(tmp_path / name, "weights")


def test_it_takes_no_torch():
    script = "import sys, splice_exp.core.matrices.whole; print('torch' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
