import pytest
import torch

from splice_exp.backbones.planted import PlantedBackbone
from splice_exp.backbones.precomputed import PrecomputedBackbone
from splice_exp.core.errors import SpliceError
from splice_exp.core.io import read_json, write_json
from splice_exp.data.embeddings_file import EmbeddingsFile
from splice_exp.data.planted import Planted
from splice_exp.distributed.cache import Cache
from splice_exp.distributed.trainer import Machine
from splice_exp.embeddings.extract import extract

DATA = Planted(11, ["car", "cat"], ["red"], ["sky", "snow"])


def test_batches_are_put_together_in_order(tmp_path):
    whole = extract(DATA, PlantedBackbone())
    parts = extract(DATA, PlantedBackbone(), Cache(tmp_path, Machine(batch_size=4)))
    assert len(list(tmp_path.glob("*/*/*.safetensors"))) == 3
    assert torch.equal(whole.features, parts.features)
    assert whole.sample_ids == DATA.sample_ids
    assert torch.equal(whole.labels, DATA.labels)
    assert whole.backbone_id == PlantedBackbone().backbone_id


def test_stored_embeddings_are_taken_as_they_are(embedding_files):
    data, bank = EmbeddingsFile(str(embedding_files["E"])), PrecomputedBackbone(str(embedding_files["T"]))
    assert torch.equal(extract(data, bank).features, data.embeddings().features)


def test_widths_must_agree(embedding_files):
    with pytest.raises(SpliceError, match="16 wide.*128 wide"):
        extract(EmbeddingsFile(str(embedding_files["E"])), PlantedBackbone())


def test_encoders_must_agree(embedding_files, tmp_path):
    path = tmp_path / "E.json"
    write_json(path, {**read_json(path), "pretrained": "other"})
    with pytest.raises(SpliceError, match="Tiny/other.*Tiny/tests"):
        extract(EmbeddingsFile(str(embedding_files["E"])), PrecomputedBackbone(str(embedding_files["T"])))
