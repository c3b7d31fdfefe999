"""Small encoders for tests: they see pixels, and nothing has to be loaded."""

import torch
from torch import nn
from torch.nn.functional import normalize

from splice_exp.backbones.base import Backbone


class Small(Backbone):
    """A random network of 3 × 16 × 16 pixels into 8 dimensions.

    Args:
        network: Another one.
    """

    def __init__(self, network=None):
        torch.manual_seed(0)
        self._network = network or nn.Sequential(
            nn.Conv2d(3, 6, 5, stride=2), nn.GELU(), nn.Flatten(), nn.Linear(6 * 36, 8)
        )
        self._network.requires_grad_(False)
        self.backbone_id, self.dim, self.class_templates = "small", 8, ("{}",)

    @property
    def module(self):
        return self._network

    def encode_text(self, texts):
        return normalize(torch.randn(len(texts), self.dim), dim=1)

    def preprocess(self, inputs):
        return torch.stack(inputs)

    def encode_batch(self, batch):
        return normalize(self.represent(batch), dim=1)

    def represent(self, pixels, kept=None):
        return self._network(pixels)


class Brightness(nn.Module):
    """A linear scorer: the mean of the pixels of a rectangle, and a constant that hides it."""

    def __init__(self, rectangle, constant=0.0):
        super().__init__()
        self.rectangle, self.constant = rectangle, constant
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, pixels):
        inside = pixels.mean(dim=1)[(slice(None), *self.rectangle)].mean(dim=(1, 2))
        return torch.stack([inside + self.constant, torch.ones_like(inside)], dim=1)
