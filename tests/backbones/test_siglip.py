"""A SigLIP tokenizes and embeds as open_clip itself does: a tokenizer of Hugging Face, a context length of its own."""

import json
from pathlib import Path

import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from splice_exp.backbones.open_clip import OpenClipBackbone

pytest.importorskip("transformers", reason="the extra siglip is not installed")
CONTEXT, WORDS = 64, ["▁a", "▁photo", "▁of", "▁dog", "▁red", "▁star", "s", "▁"]


def write_tokenizer(folder: Path) -> None:
    """Write a small tokenizer of the kind that SigLIP has: unigrams, an end after each text, padded with it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -20.0)]
    pieces += [(word, -1.0) for word in WORDS] + [(letter, -8.0) for letter in letters if letter not in WORDS]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "</s>", "eos_token": "</s>"}
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "unk_token": "<unk>"}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A SigLIP of few weights, with everything else as in its published configuration."""
    folder = tmp_path_factory.mktemp("siglip")
    config = open_clip.get_model_config("ViT-B-16-SigLIP")
    config["embed_dim"] = 192
    config["vision_cfg"] |= {"timm_model_name": "vit_tiny_patch16_224"}
    config["text_cfg"] |= {"vocab_size": 64, "width": 192, "heads": 3, "layers": 2}
    preprocess = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "squash"}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": preprocess}))
    write_tokenizer(folder)
    torch.manual_seed(0)
    model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    return folder


def test_embeddings_are_those_of_open_clip(folder):
    backbone = OpenClipBackbone(f"local-dir:{folder}")
    model, preprocess = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    texts = ["A photo of a DOG!", "red stars, " * 60, ""]
    images = [Image.effect_noise((40, 24), 80).convert("RGB"), Image.new("RGB", (32, 32), "red")]
    with torch.inference_mode():
        expected = model.eval().encode_text(tokenizer(texts), normalize=True)
        torch.testing.assert_close(backbone.encode_text(texts), expected, rtol=0, atol=1e-6)
        expected = model.encode_image(torch.stack([preprocess(image) for image in images]), normalize=True)
        torch.testing.assert_close(backbone.encode_images(images), expected, rtol=0, atol=1e-6)


def test_texts_are_cut_at_the_context_length_of_the_architecture(folder):
    backbone = OpenClipBackbone(f"local-dir:{folder}")
    tokens = backbone._tokenizer(["A photo of a dog!", "red star " * 60])
    assert tokens.shape == (2, CONTEXT)
    names = [*["<pad>", "</s>", "<unk>"], *WORDS]
    found = [names[token] for token in tokens[0].tolist() if token != 1]
    assert found == ["▁a", "▁photo", "▁of", "▁a", "▁dog"]  # small letters, without punctuation
    assert tokens[1, -1] == 1  # the end stands there of texts that are cut, too


def test_texts_that_differ_in_what_is_cleaned_are_the_same(folder):
    first, second, other = OpenClipBackbone(f"local-dir:{folder}").encode_text(["A dog!", "a  dog", "a star"])
    assert torch.equal(first, second)
    assert not torch.allclose(first, other)
