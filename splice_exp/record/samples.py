"""Samples to look at: a few images, with their concepts, their captions, and what is known to be in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import torch
from PIL import Image

from splice_exp.core.codes import Codes
from splice_exp.core.truth import GroundTruth
from splice_exp.data.base import DataSource, EncodableSource

TOP = 8  # concepts of a sample that are named


@dataclass(frozen=True, eq=False)
class Samples:
    """Some samples that are images.

    Args:
        sample_ids: Their names.
        images: As the data set yields them.
        codes: Named.
        captions: One per sample, where there are any.
        truth: Of these samples, where it is known.
    """

    sample_ids: tuple[str, ...]
    images: Sequence[Image.Image]
    codes: Codes
    captions: Sequence[str] | None
    truth: GroundTruth | None

    def head(self, count: int) -> Samples:
        """Return the first of them."""
        places = range(min(count, len(self.images)))
        return Samples(
            self.sample_ids[:count],
            self.images[:count],
            self.codes.select(torch.tensor(places)),
            self.captions and self.captions[:count],
            self.truth and self.truth.select(places),
        )

    def table(self) -> pd.DataFrame:
        """Return one row per sample: its image, its largest codes in words, caption, and what is in it."""
        columns: dict[str, Sequence[object]] = {
            "sample_id": self.sample_ids,
            "image": self.images,
            "concepts": [
                ", ".join(f"{concept} {value:.2f}" for concept, value in named) for named in self.codes.top(TOP)
            ],
        }
        if self.captions is not None:
            columns["caption"] = self.captions
        if self.truth is not None:
            columns["in the image"] = [
                ", ".join(sorted(self.truth.concepts(sample))) for sample in range(len(self.truth))
            ]
        return pd.DataFrame(columns)


def first_samples(
    data: DataSource, codes: Codes, sample_ids: tuple[str, ...], truth: GroundTruth | None, count: int
) -> Samples | None:
    """Return the first samples, if they are images.

    Args:
        data: Has at least these samples.
        codes: Of `sample_ids`.
        sample_ids: The samples that were decomposed.
        truth: Of the same.
        count: How many to take, at most.
    """
    if not isinstance(data, EncodableSource):
        return None
    place_of = {sample_id: place for place, sample_id in enumerate(data.sample_ids)}
    places = [place_of[sample_id] for sample_id in sample_ids[:count]]
    images = [data.inputs(place, place + 1)[0] for place in places]
    if not all(isinstance(image, Image.Image) for image in images):
        return None
    captions = data.captions()
    shown = range(len(places))
    return Samples(
        sample_ids[:count],
        images,
        codes.select(torch.tensor(shown)),
        None if captions is None else [captions[place][0] for place in places],
        None if truth is None else truth.select(shown),
    )
