"""COCOA for one image: which pixels make it resemble a corpus rather than a foil, in seconds on a laptop."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from matplotlib import colormaps
from PIL import Image

from splice_exp.attribution.corpus import Corpus
from splice_exp.attribution.methods import Method
from splice_exp.attribution.model import Cocoa, Explained
from splice_exp.attribution.plot import OPACITY
from splice_exp.attribution.rise import Rise
from splice_exp.core.errors import SpliceError
from splice_exp.dictionaries.text import TextDictionary
from splice_exp.explorer.model import NO_IMAGES, Explorer, Seen

PROMPT = "a photo of a {}"
SECONDS = 2.5  # that the masked images of a map may take
FEWEST = 64  # masks: below, two halves of them agree on nothing
TRIAL = 16  # images by whose embedding the speed is measured
SIDE = 336  # pixels of a map on the page
EVERYTHING = "all concepts"  # the foil where none is written


def prompt_of(concept: str) -> str:
    """Return the text by which a concept is a corpus.

    Example:
        >>> prompt_of("star")
        'a photo of a star'
    """
    return PROMPT.replace("{}", concept)


def explain(model: Explorer, seen: Seen, corpus: str, foil: str = "") -> Explained:
    """Return the map of an image: large where a pixel speaks for the corpus, negative where for the foil.

    Args:
        model: Whose backbone looks.
        seen: The image.
        corpus: A text.
        foil: A text; empty: all concepts of the vocabulary.

    Raises:
        SpliceError: if there are no pixels, no tower that looks at them, or no corpus.
    """
    model.require_tower()
    if seen.image is None:
        raise SpliceError(NO_IMAGES)
    if not corpus.strip():
        raise SpliceError("The corpus is empty, but needs a text: what the pixels are to speak for.")
    others = foil.strip() or everything(model)
    return cocoa(model).explain(seen.image, corpus.strip(), others)


def cocoa(model: Explorer) -> Cocoa:
    """Return the model as `Cocoa`, with as many masks as its speed here allows."""
    return Cocoa(model.backbone, method_within(model), model.removal)


@lru_cache(maxsize=4)
def everything(model: Explorer) -> Corpus:
    """Return all concepts as a foil: texts of the vocabulary, or atoms that were learned.

    Args:
        model: Explorers are compared by identity.
    """
    if isinstance(model.setup.dictionary, TextDictionary):
        return Corpus.of(EVERYTHING, [model.study.encode_text(model.study.dictionary.concepts)])
    return Corpus.of(EVERYTHING, [model.study.dictionary.atoms])


@lru_cache(maxsize=4)
def method_within(model: Explorer, seconds: float = SECONDS) -> Method:
    """Return the method of the configuration; of masks, as many as are embedded within some seconds on this machine.

    Args:
        model: Explorers are compared by identity.
        seconds: For all masks of a map.
    """
    if not isinstance(model.method, Rise):
        return model.method
    affordable = int(seconds * images_per_second(model)) // 4 * 4  # masks come in pairs, and halves are compared
    return replace(model.method, num_masks=min(model.method.num_masks, max(FEWEST, affordable)))


@torch.no_grad()
def images_per_second(model: Explorer) -> float:
    """Return how many images the tower embeds in a second, measured on this machine."""
    pixels = model.backbone.preprocess([Image.new("RGB", (SIDE, SIDE), "grey")] * TRIAL)
    model.backbone.represent(pixels[:2])  # the first call is slower
    start = time.perf_counter()
    model.backbone.represent(pixels)
    return TRIAL / (time.perf_counter() - start)


def overlay(found: Explained) -> Image.Image:
    """Return the map over the grey image: red where a pixel speaks for the corpus, blue where it speaks against it."""
    assert isinstance(found.images[0], Image.Image)
    seen = found.backbone.preprocess([found.images[0]])[0].mean(dim=0).double().cpu()
    grey = ((seen - seen.min()) / (seen.max() - seen.min()).clamp(min=1e-12)).numpy()[..., None]
    values = found.maps[0].double().numpy()
    share = values / max(float(np.abs(values).max()), 1e-12) / 2 + 0.5
    colours = colormaps["RdBu_r"](share)[..., :3]
    mixed = OPACITY * colours + (1 - OPACITY) * grey
    image = Image.fromarray((255 * mixed).round().astype(np.uint8))
    return image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
