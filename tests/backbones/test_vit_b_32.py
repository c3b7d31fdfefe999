"""ViT-B/32 as it is published, but for the weights, on real images, from the files to the table."""

import json
import shutil

import numpy as np
import open_clip
import pytest
import torch

from splice_exp.core.io import digest, read_json
from splice_exp.core.tensors import read_tensors, write_tensors
from tests.test_cli import command, metrics_of  # noqa: F401  a fixture

CLIP = {"mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711]}
PREPROCESS = {**CLIP, "interpolation": "bicubic", "resize_mode": "shortest"}
NAMES = ["cat", "piano", "motorbike", "leopard", "face", "sky", "grass", "red", "metal", "water"]
GOLDEN_IDS = "01a55268040b43fb"
GOLDEN_BACKBONE = "open_clip:396e1123b07ead51"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A checkpoint directory with drawn weights, the same everywhere."""
    folder = tmp_path_factory.mktemp("ViT-B-32")
    config = {"model_cfg": open_clip.get_model_config("ViT-B-32"), "preprocess_cfg": PREPROCESS}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    random = np.random.default_rng(0)
    with torch.device("meta"):
        shapes = {
            name: value.shape for name, value in open_clip.create_model("ViT-B-32", device="meta").state_dict().items()
        }
    weights = {
        name: torch.from_numpy(random.standard_normal(shape, np.float32)) * 0.02 for name, shape in shapes.items()
    }
    write_tensors(folder / "open_clip_model.safetensors", weights)
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory, real_data):
    """One in fifteen of the classes, because every class is a text to embed."""
    folder = tmp_path_factory.mktemp("caltech")
    for of_a_class in sorted((real_data / "images" / "caltech101").iterdir())[::15]:
        shutil.copytree(of_a_class, folder / of_a_class.name)
    return folder


@pytest.mark.slow
def test_real_pictures_go_through_the_whole_house(command, tmp_path, pictures, checkpoint):  # noqa: F811
    (tmp_path / "names.txt").write_text("\n".join(NAMES))
    results = tmp_path / "results"
    line = (
        *("experiment=zero_shot", "debug=fast", "backbone=open_clip", f"backbone.model=local-dir:{checkpoint}"),
        *("backbone.pretrained=null", "data=image_folder", f"data.root={pictures}"),
        *("data.limit=10", "vocabulary=file", f"vocabulary.path={tmp_path / 'names.txt'}", "trainer.batch_size=4"),
    )
    code, _, err = command(*line)
    assert code == 0, err
    (metrics,) = metrics_of(results).values()
    assert metrics["data/num_samples"] == 10
    assert metrics["solver/gap_max"] <= 1e-6
    (folder,) = (results / "cache" / "embeddings").iterdir()
    shards = [read_tensors(path)["features"] for path in sorted(folder.glob("*.safetensors"))]
    assert [tuple(shard.shape) for shard in shards] == [(4, 512), (4, 512), (2, 512)]
    (codes,) = results.glob("runs/*/*/codes.json")
    assert digest(read_json(codes)["sample_ids"]) == GOLDEN_IDS
    assert read_json(folder / "manifest.json")["key"]["backbone"] == GOLDEN_BACKBONE
    config = read_json(checkpoint / "open_clip_config.json")
    config["preprocess_cfg"]["mean"] = [0.5, 0.5, 0.5]
    (checkpoint / "open_clip_config.json").write_text(json.dumps(config))
    code, _, err = command(*line, "figures=false")
    assert code == 0, err
    assert len(metrics_of(results)) == 2  # another run …
    assert len(list((results / "cache" / "embeddings").iterdir())) == 2  # … of other embeddings
