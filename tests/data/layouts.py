"""Small files in the layouts in which data sets are handed on."""

import numpy as np
from PIL import Image


def write_voc_segments(root, split, kinds, height=9):
    """Photographs of VOC 2007 and their segmentations: a square of each kind, by its number, on a border and nothing.

    Args:
        root: Where it goes.
        split: Of the segmentations.
        kinds: Name of a photograph → the kinds of objects in it, at most two.
        height: Of photographs, whose width is 12.
    """
    base = root / "VOCdevkit" / "VOC2007"
    for folder in ("ImageSets/Segmentation", "SegmentationClass", "JPEGImages"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    (base / "ImageSets" / "Segmentation" / f"{split}.txt").write_text("".join(f"{name}\n" for name in kinds))
    for seed, (name, found) in enumerate(kinds.items()):
        noise = np.random.default_rng(seed).integers(0, 255, (height, 12, 3), dtype=np.uint8)
        Image.fromarray(noise).save(base / "JPEGImages" / f"{name}.jpg")
        pixels = np.zeros((height, 12), dtype=np.uint8)
        pixels[:, 6] = 255  # the border of objects
        for place, kind in enumerate(found):
            pixels[2:5, 7 * place : 7 * place + 4] = kind
        mask = Image.fromarray(pixels, mode="P")
        mask.putpalette([value % 256 for value in range(768)])
        mask.save(base / "SegmentationClass" / f"{name}.png")
