"""The model card of a checkpoint: how it was trained, how that went, and what it can do on unseen images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from PIL import Image

from splice_exp.backbones.base import Backbone
from splice_exp.core.io import atomic, write_text
from splice_exp.core.plotting import PALETTE, STYLE
from splice_exp.core.statistics.intervals import mean_interval
from splice_exp.core.text import markdown
from splice_exp.data.scenes.placement import SIDE
from splice_exp.data.scenes.world import ATTRIBUTES, MAIN_KINDS
from splice_exp.training.captioned import JUDGED, SingleObjects
from splice_exp.training.small_clip import CANDIDATES, SCALE, TEMPLATE, Settings

RESAMPLES = 1000
TARGETS = dict.fromkeys(("colour", "scene", "size", "recall"), (60, 93))  # %: differences of methods show in between


def measure(backbone: Backbone, seed: int, size: int) -> dict[str, np.ndarray]:
    """Evaluate a backbone on images of single objects of the test split.

    Args:
        backbone: Encodes images and texts.
        seed: Of the images.
        size: Number of images.

    Returns:
        Kind of `JUDGED` → whether zero-shot classification by `TEMPLATE` is right, bool, one value per image that has a
        concept of the kind; `recall` → whether the right one of `CANDIDATES` different captions is the nearest, for as
        many whole groups as there are.
    """
    data = SingleObjects("test", seed, size)
    pictures, texts, truths = zip(*(data[index] for index in range(size)), strict=True)
    images = backbone.encode_images([Image.fromarray(picture) for picture in pictures])
    measured: dict[str, np.ndarray] = {}
    for column, kind in enumerate(JUDGED):
        names = list(ATTRIBUTES[kind])
        classes = backbone.encode_text([TEMPLATE.format(name) for name in names])
        rows = [row for row, truth in enumerate(truths) if truth[column] is not None]
        best = (images[rows] @ classes.T).argmax(dim=1).tolist()
        measured[kind] = np.array([names[index] == truths[row][column] for row, index in zip(rows, best, strict=True)])
    measured["recall"] = _caption_recall(images, backbone.encode_text(texts), texts)
    return measured


def _caption_recall(images: torch.Tensor, features: torch.Tensor, texts: Sequence[str]) -> np.ndarray:
    distinct = list({text: index for index, text in enumerate(texts)}.values())
    found = []
    for start in range(0, len(distinct) - CANDIDATES + 1, CANDIDATES):
        rows = distinct[start : start + CANDIDATES]
        nearest = (images[rows] @ features[rows].T).argmax(dim=1)
        found.append((nearest == torch.arange(CANDIDATES)).numpy())
    return np.concatenate(found) if found else np.zeros(0, dtype=bool)


def write_card(
    directory: Path, settings: Settings, command: str, measured: Mapping[str, np.ndarray], history: pd.DataFrame
) -> None:
    """Write `README.md` and `curves.png` into a checkpoint directory.

    Args:
        directory: With the checkpoint.
        settings: Of the training.
        command: That trained it.
        measured: By `measure`.
        history: One row per epoch, by `Curves`: training losses, and shares of right answers on the validation split.
    """
    rows = []
    for name, right in measured.items():
        low, high = mean_interval(right.astype(float), RESAMPLES, 0)
        target = "{} to {}".format(*TARGETS[name]) if name in TARGETS else "–"
        what = f"caption found among {CANDIDATES}" if name == "recall" else f"{name}, of {len(ATTRIBUTES[name])}"
        rows.append([what, f"{100 * right.mean():.1f} [{100 * low:.1f}, {100 * high:.1f}]", target, len(right)])
    table = markdown.table(["single objects, test split", "right %", "wanted %", "n"], rows)
    chosen = "\n".join(f"- {name.replace('_', ' ')}: {value}" for name, value in asdict(settings).items())
    text = f"""# scenes_clip

A CLIP of {settings.dimensions} dimensions for the synthetic benchmark of splice_exp: images of {SIDE} × {SIDE} pixels,
drawn by `splice_exp/data/scenes`, and their captions. An ordinary open_clip checkpoint directory; weights are in half
precision.

    {command}

Zero-shot texts: `{TEMPLATE}` with the name of the class. Brackets: 95 % percentile bootstrap over images.

{table}

![loss and accuracy on the validation split by epoch](curves.png)

Trained on the training split (the seeds of the splits differ by construction): first the image tower alone, to predict
the words of images of one object, then both towers by the contrastive loss of CLIP, too. All the while patch tokens
predict which of their pixels belong to objects, and what these are. During the first phase the curves show how well the
words are predicted, afterwards zero-shot classification. Cosines are multiplied by {SCALE:.0f} from the start, as CLIP
ends; else both towers would fill the same directions, and concepts reconstruct every image.

{chosen}

Meant for: experiments whose truth must be known. It has seen nothing else: of photographs it knows nothing, and words
outside the captions of the world have embeddings without a meaning.
"""
    write_text(directory / "README.md", text)
    _draw_curves(directory / "curves.png", history, settings)


def _draw_curves(path: Path, history: pd.DataFrame, settings: Settings) -> None:
    with mpl.rc_context(STYLE):
        canvas, (losses, measures) = plt.subplots(1, 2, figsize=(8.4, 3.0), layout="constrained")
        for number, name in enumerate(("words", "contrastive")):
            if name in history:
                losses.plot(history["epoch"] + 1, history[name], color=PALETTE[number], label=name)
        for number, name in enumerate(name for name in (*MAIN_KINDS, "surface", "size", "recall") if name in history):
            measures.plot(history["epoch"] + 1, 100 * history[name], color=PALETTE[number], label=name)
        for axis, label in ((losses, "training loss"), (measures, "validation, right %")):
            axis.axvline(settings.warm_up_epochs + 0.5, color="0.6", linestyle=":", linewidth=1)
            axis.set_xlabel("epoch")
            axis.set_ylabel(label)
            axis.legend(fontsize=7)
        with atomic(path) as temporary:
            canvas.savefig(temporary, format="png")
    plt.close(canvas)
