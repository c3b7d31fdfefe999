import pytest
import torch

from splice_exp.core.errors import SpliceError
from splice_exp.embeddings.store import EmbeddingStore


def fail():
    raise AssertionError("must not be computed")


def test_the_same_samples_are_embedded_once(tmp_path):
    store = EmbeddingStore(tmp_path / "store")
    features = torch.rand(3, 4)
    assert torch.equal(store.features("backbone", "data", lambda: features), features)
    assert torch.equal(store.features("backbone", "data", fail), features)
    other = torch.rand(3, 4)
    assert torch.equal(store.features("another backbone", "data", lambda: other), other)
    assert torch.equal(store.features("backbone", "other data", lambda: other), other)
    assert torch.equal(store.features("backbone", "data", fail), features)


def test_a_damaged_file_is_named_and_not_used(tmp_path):
    store = EmbeddingStore(tmp_path)
    store.features("backbone", "data", lambda: torch.rand(3, 4))
    (path,) = tmp_path.glob("*.safetensors")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(SpliceError, match=path.name):
        store.features("backbone", "data", fail)
    path.unlink()
    with pytest.raises(SpliceError, match="damaged"):
        store.features("backbone", "data", fail)


def test_an_interrupted_write_is_done_again(tmp_path):
    store = EmbeddingStore(tmp_path)
    features = store.features("backbone", "data", lambda: torch.rand(3, 4))
    (manifest,) = tmp_path.glob("*.json")
    manifest.unlink()
    again = store.features("backbone", "data", lambda: features)
    assert torch.equal(again, features)
    assert manifest.is_file()
