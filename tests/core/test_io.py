import json
import multiprocessing

import pytest
import torch

from splice_exp.core.errors import SpliceError
from splice_exp.core.io import atomic, digest, file_digest, read_json, write_json
from splice_exp.core.tensors import read_tensors, write_tensors


def test_a_failed_write_leaves_the_earlier_file(tmp_path):
    path = tmp_path / "table.md"
    path.write_text("earlier")
    with pytest.raises(RuntimeError, match="half-way"), atomic(path) as temporary:
        temporary.write_text("half of")
        raise RuntimeError("half-way")
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


def _write_forever(path):
    number = 0
    while True:
        write_json(path, {"numbers": [number] * 20_000})
        number += 1


def test_a_killed_writer_leaves_a_whole_file(tmp_path):
    path = tmp_path / "metrics.json"
    write_json(path, {"numbers": [-1]})
    writer = multiprocessing.get_context("fork").Process(target=_write_forever, args=(path,))
    writer.start()
    writer.join(timeout=0.5)
    writer.kill()
    writer.join()
    assert len(set(read_json(path)["numbers"])) == 1


def test_json_has_no_nan(tmp_path):
    write_json(tmp_path / "m.json", {"gap": float("nan"), "l0": float("inf"), "n": 3, "t": torch.tensor(2.0)})
    assert json.loads((tmp_path / "m.json").read_text()) == {"gap": None, "l0": None, "n": 3, "t": 2.0}


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", "\x00"])
def test_damaged_json_is_named(tmp_path, content):
    path = tmp_path / "E.json"
    path.write_text(content)
    with pytest.raises(SpliceError, match=r"E\.json"):
        read_json(path)


def test_truncated_tensors_are_named(tmp_path):
    path = tmp_path / "E.safetensors"
    write_tensors(path, {"embeddings": torch.randn(8, 4)})
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(SpliceError, match=r"E\.safetensors cannot be read"):
        read_tensors(path)


def test_digest_is_of_content_not_of_order():
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2}) != digest({"a": "2"})


def test_a_sidecar_belongs_to_its_file(tmp_path):
    path = tmp_path / "E.safetensors"
    write_tensors(path, {"embeddings": torch.ones(2, 2)})
    alone = file_digest(path)
    write_json(tmp_path / "E.json", {"classes": ["a"]})
    described = file_digest(path)
    write_json(tmp_path / "E.json", {"classes": ["b"]})
    assert len({alone, described, file_digest(path)}) == 3
