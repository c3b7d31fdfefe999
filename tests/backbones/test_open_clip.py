"""The loader of open_clip models, on the checkpoint that the package carries; published ones go the same way."""

import json
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch.nn.functional import normalize

from splice_exp.backbones.open_clip import IMAGES_TOGETHER, OpenClipBackbone
from splice_exp.backbones.patches import ends_in_class_token
from splice_exp.core.assets import SCENES_CLIP, members
from splice_exp.core.errors import SpliceError
from splice_exp.core.types import ConceptMixture
from splice_exp.data.scenes.plain import Scenes
from splice_exp.training.model_card import TARGETS, measure
from splice_exp.training.small_clip import MEAN, STD


@pytest.fixture(scope="module")
def backbone():
    return OpenClipBackbone(f"local-dir:{SCENES_CLIP}/0")


@pytest.fixture
def copy(tmp_path):
    return Path(shutil.copytree(SCENES_CLIP / "0", tmp_path / "copy"))


def test_texts_and_images_become_unit_rows_in_one_space(backbone):
    texts = backbone.encode_text(["star", "a photo of a red star on the grass", "zebra crossing", "ночь", ""])
    images = backbone.encode_images(Scenes(5).inputs(0, 5))
    assert texts.shape == images.shape == (5, backbone.dim)
    for features in (texts, images):
        assert features.dtype == torch.float32
        torch.testing.assert_close(features.norm(dim=1), torch.ones(5))


def test_batches_do_not_change_embeddings(backbone):
    images, names = Scenes(5).inputs(0, 5), ["star", "heart", "sky"]
    alone = torch.cat([backbone.encode_images([image]) for image in images])
    torch.testing.assert_close(alone, backbone.encode_images(images), atol=1e-5, rtol=0)
    alone = torch.cat([backbone.encode_text([name]) for name in names])
    torch.testing.assert_close(alone, backbone.encode_text(names), atol=1e-5, rtol=0)


ARCHITECTURES = {  # of image towers: what is asked of each, and whether its class token is all that is read
    "plain": ({"layers": 3}, True),
    "one block": ({"layers": 1}, True),
    "scaled": ({"layers": 2, "ls_init_value": 0.1}, True),
    "norm after pooling": ({"layers": 2, "no_ln_pre": True, "final_ln_after_pool": True}, True),
    "pooled": ({"layers": 2, "pool_type": "avg"}, False),
    "attention pooling": ({"layers": 2, "attentional_pool": True, "attn_pooler_queries": 4}, False),
    "convolutions": ({"layers": [1, 1, 1, 1]}, False),
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_images_are_embedded_as_the_tower_of_open_clip_does(name, backbone, monkeypatch):
    vision, short = ARCHITECTURES[name]
    torch.manual_seed(0)
    model = open_clip.CLIP(16, {"image_size": 32, "patch_size": 8, "width": 64, **vision}, {"width": 64, "layers": 1})
    for parameter in model.parameters():
        parameter.data = parameter.data + 0.02 * torch.randn_like(parameter)  # none is 0, as at the start of a training
    monkeypatch.setattr(backbone, "_model", model.eval())
    assert ends_in_class_token(model.visual) == short
    pixels = torch.randn(2 * IMAGES_TOGETHER + 3, 3, 32, 32)
    with torch.no_grad():
        whole = model.encode_image(pixels)
        torch.testing.assert_close(backbone.represent(pixels), whole, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(backbone.encode_batch(pixels), normalize(whole, dim=1), atol=1e-5, rtol=1e-5)
    given = pixels[:3].requires_grad_()
    found, expected = (
        torch.autograd.grad(of(given).sum(), given)[0] for of in (backbone.represent, model.encode_image)
    )
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_who_watches_a_tower_sees_all_tokens_of_all_images_at_once(backbone):
    seen = []
    pixels = backbone.preprocess(Scenes(IMAGES_TOGETHER + 1).inputs(0, IMAGES_TOGETHER + 1))
    unwatched = backbone.represent(pixels)
    last = backbone.module.visual.transformer.resblocks[-1]
    hook = last.register_forward_hook(lambda module, given, made: seen.append(made.shape))
    try:
        watched = backbone.represent(pixels)
    finally:
        hook.remove()
    assert seen == [(IMAGES_TOGETHER + 1, 50, 128)]
    torch.testing.assert_close(watched, unwatched, atol=1e-5, rtol=1e-5)


def test_a_backbone_travels_to_other_processes(backbone):
    images = Scenes(3).inputs(0, 3)
    copy = pickle.loads(pickle.dumps(backbone))
    assert torch.equal(copy.encode_images(images), backbone.encode_images(images))
    assert torch.equal(copy.encode_text(["star"]), backbone.encode_text(["star"]))


def test_autocast_rounds_the_arithmetic_and_is_another_backbone(backbone):
    rough = OpenClipBackbone(f"local-dir:{SCENES_CLIP}/0", precision="amp_bf16")
    images = Scenes(5).inputs(0, 5)
    difference = (rough.encode_images(images) - backbone.encode_images(images)).abs().max()
    assert 1e-5 < difference < 0.05
    assert rough.backbone_id != backbone.backbone_id


def test_preprocessing_is_that_of_the_training(backbone):
    (image,) = Scenes(1).inputs(0, 1)
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
    expected = (pixels - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    torch.testing.assert_close(backbone._preprocess(image), expected)


def test_images_of_any_size_are_taken(backbone):
    assert backbone.encode_images([Image.new("L", (200, 120)), Image.new("RGB", (30, 90))]).shape == (2, backbone.dim)


def test_the_checkpoint_is_small_and_has_heads_to_study():
    config = json.loads((SCENES_CLIP / "0" / "open_clip_config.json").read_text())["model_cfg"]
    vision = config["vision_cfg"]
    assert vision["layers"] >= 4
    assert vision["width"] // vision["head_width"] >= 4
    assert sum(path.stat().st_size for path in SCENES_CLIP.rglob("*") if path.is_file()) <= 12e6


@pytest.mark.parametrize("member", members())
def test_every_member_is_what_its_card_says(member):
    """On fewer images than the card, so with two standard errors of leave; in between, methods can differ."""
    measured = measure(OpenClipBackbone(f"local-dir:{SCENES_CLIP / str(member)}"), seed=1, size=384)
    for name, bounds in TARGETS.items():
        values = measured[name].astype(float)
        low, high = (bound / 100 for bound in bounds)
        leave = 2 * (low * (1 - low) / len(values)) ** 0.5
        assert low - leave <= values.mean() <= high + leave, name


def test_the_identity_is_that_of_the_weights(backbone, copy):
    assert OpenClipBackbone(f"local-dir:{copy}").backbone_id == backbone.backbone_id
    weights = load_file(copy / "open_clip_model.safetensors")
    weights["text_projection"][0, 0] += 1
    save_file(weights, copy / "open_clip_model.safetensors")
    assert OpenClipBackbone(f"local-dir:{copy}").backbone_id != backbone.backbone_id


def test_the_identity_is_that_of_the_architecture_too(backbone, copy):
    """The same weights in another architecture give other embeddings, which the store must not confuse."""
    path = copy / "open_clip_config.json"
    config = json.loads(path.read_text())
    config["model_cfg"]["vision_cfg"]["head_width"] *= 2
    path.write_text(json.dumps(config))
    assert OpenClipBackbone(f"local-dir:{copy}").backbone_id != backbone.backbone_id


def test_the_merges_file_lies_beside_the_weights_wherever_one_stands(copy, monkeypatch):
    monkeypatch.chdir(copy.parent)
    assert OpenClipBackbone(f"local-dir:{copy.name}").encode_text(["star"]).shape[0] == 1
    assert os.listdir() == [copy.name]


@pytest.mark.parametrize(
    ("model", "pretrained", "message"),
    [
        ("ViT-B-99", None, "does not know .nearest: 'ViT-B-32'"),
        (
            "ViT-B-32",
            None,
            "^pretrained must name the weights of ViT-B-32, a tag or a file: .* are openai",
        ),
        (
            "ViT-B-32",
            "no_such_tag",
            "^pretrained is 'no_such_tag', which is no tag, .*: the tags of ViT-B-32 are openai",
        ),
        ("local-dir:/no/such/folder", None, "^model is 'local-dir:/no/such/folder', but there is no such folder"),
        ("local-dir:.", "openai", "set it to null"),
    ],
)
def test_a_model_that_cannot_be_loaded_is_named(model, pretrained, message):
    with pytest.raises(SpliceError, match=message):
        OpenClipBackbone(model, pretrained)


@pytest.fixture(scope="module")
def weights_of_vit_b_32(tmp_path_factory):
    """A file as one would copy it from the hub."""
    path = tmp_path_factory.mktemp("weights") / "open_clip_model.safetensors"
    torch.manual_seed(0)
    save_file(open_clip.create_model("ViT-B-32").state_dict(), path)
    return str(path)


@pytest.mark.slow
def test_a_file_of_published_weights_is_used_as_its_tag_says(weights_of_vit_b_32):
    openai = OpenClipBackbone("ViT-B-32", "openai", weights_of_vit_b_32)
    laion = OpenClipBackbone("ViT-B-32", "laion2b_s34b_b79k", weights_of_vit_b_32)
    names = {type(module).__name__ for module in openai.module.modules()}
    assert "QuickGELU" in names
    assert "QuickGELU" not in {type(module).__name__ for module in laion.module.modules()}
    assert openai.backbone_id != laion.backbone_id
    assert (openai.encode_text(["a dog"]) @ laion.encode_text(["a dog"]).T).item() < 0.9999


def as_on_the_hub(weights: str, tag: str, folder: Path) -> Path:
    """Lay out weights of ViT-B-32 as hubs do: each with its own configuration, in which they write what they like."""
    trained = open_clip.get_pretrained_cfg("ViT-B-32", tag)
    built = open_clip.get_model_config("ViT-B-32")
    built = {**built, "quick_gelu": bool(trained.get("quick_gelu")), "custom_text": False}
    built["vision_cfg"] = {**built["vision_cfg"], "head_width": 64, "ls_init_value": None}  # the defaults
    preprocess = {"mean": trained["mean"], "std": trained["std"], "interpolation": "bicubic"}
    folder.mkdir()
    os.link(weights, folder / "open_clip_model.safetensors")
    content = {"model_cfg": built, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(content))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("tag", ["openai", "laion2b_s34b_b79k"])
def test_a_tag_and_a_hub_with_its_weights_are_one_backbone(weights_of_vit_b_32, tag, tmp_path):
    by_tag = OpenClipBackbone("ViT-B-32", tag, weights_of_vit_b_32)
    hub = as_on_the_hub(weights_of_vit_b_32, tag, tmp_path / "hub")
    assert OpenClipBackbone(f"local-dir:{hub}").backbone_id == by_tag.backbone_id


@pytest.mark.slow
def test_a_file_of_published_weights_is_preprocessed_as_its_tag_says(weights_of_vit_b_32, monkeypatch):
    cfg = {
        **open_clip.get_pretrained_cfg("ViT-B-32", "laion2b_s34b_b79k"),
        "mean": (0.1, 0.2, 0.3),
        "quick_gelu": False,
    }
    ordinary = OpenClipBackbone("ViT-B-32", "laion2b_s34b_b79k", weights_of_vit_b_32)
    monkeypatch.setattr(open_clip, "get_pretrained_cfg", lambda *_: cfg)
    other = OpenClipBackbone("ViT-B-32", "laion2b_s34b_b79k", weights_of_vit_b_32)
    assert other.backbone_id != ordinary.backbone_id
    picture = Image.new("RGB", (32, 32))
    assert not torch.equal(other.preprocess([picture]), ordinary.preprocess([picture]))


@pytest.mark.parametrize(
    ("pretrained", "weights", "message"),
    [
        ("openai", "/no/such/file", r"^weights is '/no/such/file', which must be a file, .*no such file"),
        ("mine", __file__, "beside a tag in pretrained that says how they are used .its tags are openai"),
        (None, __file__, "^pretrained must name the weights"),
    ],
)
def test_weights_need_a_file_and_a_tag(pretrained, weights, message):
    with pytest.raises(SpliceError, match=message):
        OpenClipBackbone("ViT-B-32", pretrained, weights)


def test_a_checkpoint_without_weights_is_refused(copy):
    weights = copy / "open_clip_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(SpliceError, match=r"^model: .*_model\.safetensors is damaged: it ends after 1,000 bytes"):
        OpenClipBackbone(f"local-dir:{copy}")
    weights.unlink()
    with pytest.raises(SpliceError, match="cannot be loaded"):
        OpenClipBackbone(f"local-dir:{copy}")


def test_a_checkpoint_without_its_merges_is_refused(copy):
    (copy / "merges.txt.gz").unlink()
    with pytest.raises(SpliceError, match="cannot be loaded .*merges.txt.gz"):
        OpenClipBackbone(f"local-dir:{copy}")


def test_no_text_is_no_row(backbone):
    assert backbone.encode_text([]).shape == (0, backbone.dim)


def test_other_wrong_values_are_named(backbone):
    with pytest.raises(SpliceError, match=r"^class_templates is \['a photo'\]"):
        OpenClipBackbone(f"local-dir:{SCENES_CLIP}/0", class_templates=["a photo"])
    with pytest.raises(SpliceError, match="^precision is 'fp8'"):
        OpenClipBackbone(f"local-dir:{SCENES_CLIP}/0", precision="fp8")
    with pytest.raises(SpliceError, match="encodes images only"):
        backbone.encode_images([ConceptMixture({"star": 1.0}, 0)])


@pytest.mark.parametrize("name", ["open_clip_pytorch_model.bin", "open_clip_model.safetensors"])
def test_nothing_in_the_weights_of_a_folder_is_executed(tmp_path, capsys, name):
    class Hostile:
        def __reduce__(self):
            return (print, ("this must not be printed",))

    shutil.copy(SCENES_CLIP / "0" / "open_clip_config.json", tmp_path)
    torch.save({"visual.proj": Hostile()}, tmp_path / name)
    with pytest.raises(SpliceError, match="^model"):
        OpenClipBackbone(f"local-dir:{tmp_path}")
    assert "this must not be printed" not in capsys.readouterr().out
