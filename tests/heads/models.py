"""Small models for tests of heads: gains, biases and LayerScale are drawn, so that none of them can be forgotten."""

import copy

import torch
from open_clip import CLIP
from torch import nn
from torch.nn.functional import normalize

from splice_exp.backbones.base import Backbone

CONFIG = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 48, "layers": 3, "head_width": 12},
    "text_cfg": {"context_length": 8, "vocab_size": 60, "width": 32, "heads": 4, "layers": 2},
}


class Tiny(Backbone):
    """A CLIP of open_clip with random weights: 3 layers of 4 heads, 48 wide, into 24 dimensions.

    Args:
        scaled: Whether the image tower has LayerScale.
    """

    def __init__(self, scaled=False):
        torch.manual_seed(0)
        config = copy.deepcopy(CONFIG)
        if scaled:
            config["vision_cfg"]["ls_init_value"] = 0.5
        self._model = CLIP(**config).eval().requires_grad_(False)
        for module in self._model.modules():
            if isinstance(module, nn.LayerNorm):
                module.weight.normal_(1.0, 0.3)
                module.bias.normal_(0.0, 0.3)
            if isinstance(module, nn.MultiheadAttention):
                module.in_proj_bias.normal_(0.0, 0.3)
                module.out_proj.bias.normal_(0.0, 0.3)
            if hasattr(module, "gamma"):
                module.gamma.normal_(1.0, 0.3)
        self.backbone_id, self.dim, self.class_templates = "tiny", 24, ("{}",)

    @property
    def module(self):
        return self._model

    def encode_text(self, texts):
        raise NotImplementedError

    def tokens(self, tokens):
        return self._model.encode_text(tokens)

    def preprocess(self, inputs):
        return torch.stack(inputs)

    def encode_batch(self, batch):
        return normalize(self.represent(batch), dim=1)

    def represent(self, pixels, kept=None):
        return self._model.encode_image(pixels)
