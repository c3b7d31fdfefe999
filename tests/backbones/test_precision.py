"""Half precision, on small models of random weights: all that looks at a backbone gives what it gives in float32.

open_clip turns some layers into half precision and leaves others in float32, differently in every kind of tower.
"""

import json

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch.nn.functional import cosine_similarity

from splice_exp.attribution.gradients import VanillaGradient
from splice_exp.attribution.model import Cocoa
from splice_exp.attribution.removal import Mean, TokenDropping
from splice_exp.attribution.rise import Rise
from splice_exp.attribution.tokens import Tokens
from splice_exp.backbones.open_clip import OpenClipBackbone
from splice_exp.backbones.resnet import ResNetBackbone, build_network
from splice_exp.backbones.towers import tower_of
from splice_exp.core.assets import SCENES_CLIP
from splice_exp.core.errors import SpliceError
from splice_exp.data.scenes.pairs import ScenePairs
from splice_exp.data.scenes.plain import Scenes
from splice_exp.heads.streams import streams
from splice_exp.heads.weights import head_outputs
from splice_exp.training.fine_tuning import FineTuning, fine_tuned

TEXT = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
OF_SIGLIP = {"no_causal_mask": True, "proj_bias": True, "pool_type": "last", "norm_kwargs": {"eps": 1e-6}}
TIMM = {"timm_model_pretrained": False}
VIT = {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8}
MODELS = {  # embed_dim, image tower, text tower, whether it is a module of its own
    "vit": (32, VIT, {}, False),
    "vit_average": (32, {**VIT, "pool_type": "avg", "ls_init_value": 0.1}, {}, True),
    "vit_attention": (
        32,
        {**VIT, "attentional_pool": True, "attn_pooler_queries": 4, "attn_pooler_heads": 2},
        {},
        False,
    ),
    "rn50": (
        32,
        {"image_size": 64, "layers": [1, 1, 1, 1], "width": 16, "head_width": 32, "patch_size": None},
        {},
        False,
    ),
    "convnext": (32, {**TIMM, "image_size": 64, "timm_model_name": "convnext_atto", "timm_proj": "linear"}, {}, False),
    "siglip": (  # the smallest of timm that pools by attention, as SigLIP does
        *(32, {**TIMM, "image_size": 160, "timm_model_name": "test_vit3", "timm_pool": "map"}),
        *(OF_SIGLIP, True),
    ),
}
HALVES = ("fp16", "bf16", "amp_bf16")
IMAGES = [
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, 50, 3), dtype=np.uint8)) for seed in range(3)
]


@pytest.fixture(scope="module", params=MODELS)
def model(request, tmp_path_factory):
    """A checkpoint directory of random weights."""
    dim, vision, text, own = MODELS[request.param]
    built = {"embed_dim": dim, "vision_cfg": vision, "text_cfg": TEXT | text}
    folder = tmp_path_factory.mktemp("model") / request.param
    folder.mkdir()
    torch.manual_seed(0)
    made = (open_clip.CustomTextCLIP if own else open_clip.CLIP)(**built)
    if "rn50" in str(folder):  # so that batch normalisation leaves something of the images
        with torch.no_grad():
            for _ in range(20):
                made.train().encode_image(torch.randn(8, 3, 64, 64))
    save_file(
        {name: value.clone() for name, value in made.state_dict().items()}, folder / "open_clip_model.safetensors"
    )
    preprocess = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "shortest"}
    content = {"model_cfg": {**built, "custom_text": own}, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(content))
    return f"local-dir:{folder}"


def test_every_kind_of_tower_embeds_images_and_texts_in_half_precision(model):
    exact, texts = OpenClipBackbone(model), ["a dog", "two cats", "night"]
    for precision in HALVES:
        rough = OpenClipBackbone(model, precision=precision)
        for found, expected in (
            (rough.encode_text(texts), exact.encode_text(texts)),
            (rough.encode_images(IMAGES), exact.encode_images(IMAGES)),
            (rough.represent(rough.preprocess(IMAGES)), exact.represent(exact.preprocess(IMAGES))),
        ):
            assert found.dtype == torch.float32
            assert cosine_similarity(found, expected, dim=1).min() > 0.99
            # All that a random model embeds looks the same: what it tells apart must agree, too.
            difference = [rows - rows.mean(dim=0) for rows in (found, expected)]
            assert cosine_similarity(*difference, dim=1).min() > 0.9, precision


@pytest.fixture(scope="module")
def scenes():
    return {
        precision: OpenClipBackbone(f"local-dir:{SCENES_CLIP}/0", precision=precision)
        for precision in ("fp32", *HALVES)
    }


@pytest.mark.parametrize("precision", HALVES)
@pytest.mark.parametrize(
    ("method", "removal"),
    [(Rise(num_masks=48, grid=8), Mean()), (Rise(num_masks=48, grid=8), TokenDropping()), (Tokens(), Mean())],
    ids=["rise", "token_dropping", "tokens"],
)
def test_attributions_in_half_precision_are_those_of_float32(scenes, precision, method, removal):
    images = ScenePairs(2).inputs(0, 2)
    found, expected = (
        Cocoa(scenes[name], method, removal).explain(images, "a photo of a star", "a photo of a heart").maps
        for name in (precision, "fp32")
    )
    assert found.dtype == torch.float32
    assert np.corrcoef(found.flatten(), expected.flatten())[0, 1] > 0.99


@pytest.mark.parametrize("precision", HALVES)
def test_heads_write_in_half_precision_what_they_write_in_float32(scenes, precision):
    written = []
    for name in (precision, "fp32"):
        tower = tower_of(scenes[name])
        (tokens,), _ = streams(scenes[name], tower, (-1,), scenes[name].preprocess(ScenePairs(2).inputs(0, 2)))
        written.append(head_outputs(tower.blocks[-1], tokens, 1).flatten().float())
    assert cosine_similarity(*written, dim=0) > 0.99


def test_a_resnet_takes_pixels_of_the_type_of_its_weights(tmp_path):
    torch.manual_seed(0)
    torch.save(build_network("resnet18", "cifar").state_dict(), tmp_path / "weights.pt")
    exact, rough = (
        ResNetBackbone("resnet18", str(tmp_path / "weights.pt"), stem="cifar", resize=32, crop=32) for _ in "ab"
    )
    for dtype in (torch.float16, torch.bfloat16):
        rough.module.to(dtype)
        assert cosine_similarity(rough.encode_images(IMAGES), exact.encode_images(IMAGES), dim=1).min() > 0.99


def test_gradients_in_half_precision_are_refused(scenes):
    with pytest.raises(SpliceError, match="Gradients need backbone.precision=fp32"):
        Cocoa(scenes["fp16"], VanillaGradient(), Mean()).explain(ScenePairs(1).inputs(0, 1), "a star", "a heart")
    with pytest.raises(SpliceError, match="^Fine-tuning needs backbone.precision=fp32"):
        fine_tuned(scenes["bf16"], Scenes(4), FineTuning())
