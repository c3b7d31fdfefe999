"""OpenAI's files are programs: theirs are loaded as the tensors in them, others are refused."""

import pytest
import torch
from open_clip.factory import load_state_dict
from torch import nn

from splice_exp.backbones import openai_archive
from splice_exp.backbones.open_clip import OpenClipBackbone
from splice_exp.backbones.openai_archive import is_openai_archive, published_checksums
from splice_exp.core.errors import SpliceError
from splice_exp.core.io import file_sha256

# Of https://openaipublic.azureedge.net/clip/models/…/ViT-B-32.pt
VIT_B_32 = "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af"


@pytest.fixture
def archive(tmp_path):
    torch.jit.script(nn.Linear(2, 2)).save(tmp_path / "ViT-B-32.pt")
    return tmp_path / "ViT-B-32.pt"


def test_a_foreign_program_is_refused_with_a_way_out(archive):
    with pytest.raises(SpliceError, match=r"is not run: save its state dict as \.safetensors, and set weights"):
        OpenClipBackbone("ViT-B-32", "openai", str(archive))


def test_a_published_archive_is_read(archive, monkeypatch):
    assert VIT_B_32 in published_checksums()
    monkeypatch.setattr(openai_archive, "published_checksums", lambda: {file_sha256(archive)})
    assert is_openai_archive(str(archive))
    assert set(load_state_dict(archive, weights_only=False)) == {"weight", "bias"}


def test_tensors_alone_are_no_program(tmp_path):
    torch.save({"weight": torch.zeros(2)}, tmp_path / "tensors.pt")
    assert not is_openai_archive(str(tmp_path / "tensors.pt"))
    assert not is_openai_archive("openai")
    assert not is_openai_archive(None)


def test_a_tokenizer_that_needs_transformers_says_so(monkeypatch):
    monkeypatch.setattr("splice_exp.backbones.open_clip.find_spec", lambda name: None)
    with pytest.raises(SpliceError, match=r"pip install 'splice-exp\[siglip\]'"):
        OpenClipBackbone("ViT-B-16-SigLIP", "webli")
