"""Coloured discs on white."""

import torch
from PIL import Image, ImageDraw

from splice_exp.core.errors import require_integer
from splice_exp.core.io import digest
from splice_exp.data.base import EncodableSource

COLOURS = ("red", "green", "blue")


class Discs(EncodableSource):
    kind = "own images"

    def __init__(self, num_samples, name="discs", missing_classes="error"):
        super().__init__(name, missing_classes)
        require_integer("num_samples", num_samples, 1)
        self.classes = COLOURS
        self.labels = torch.arange(num_samples) % len(COLOURS)
        self.sample_ids = tuple(f"disc-{number:03d}" for number in range(num_samples))

    def inputs(self, start, stop):
        return [self._draw(number) for number in range(start, stop)]

    def _draw(self, number):
        image = Image.new("RGB", (64, 64), "white")
        radius = 10 + number % 15
        ImageDraw.Draw(image).ellipse((32 - radius, 32 - radius, 32 + radius, 32 + radius), COLOURS[number % 3])
        return image

    def fingerprint(self):
        return digest([image.tobytes().hex() for image in self.inputs(0, len(self))])
