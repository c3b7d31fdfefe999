"""Maps and images as tables, for figures: one line for each, with all values row by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from splice_exp.data.base import EncodableSource
from splice_exp.data.views import Views

MAPS, PICTURES = "maps", "pictures"  # what the tables are called in a record


def maps_table(maps: Sequence[Mapping[str, np.ndarray]]) -> pd.DataFrame:
    """Return one line per map: the index of its image, its name, its shape and values.

    Args:
        maps: Of each image, by name, (h, w) each.
    """
    return pd.DataFrame(
        [
            (place, name, *scores.shape, scores.astype(np.float32).ravel().tolist())
            for place, named in enumerate(maps)
            for name, scores in named.items()
        ],
        columns=["picture", "name", "height", "width", "values"],
    )


def pictures_table(data: EncodableSource, places: Iterable[int], side: int, border: int) -> pd.DataFrame:
    """Return one line per image, with its red, green and blue in 0 … 255, as its map lies over it.

    Args:
        data: Images.
        places: Indices of those to show; missing ones are left out.
        side: Of the square that the backbone sees, pixels.
        border: Pixels that it cuts off each side of a resized image.
    """
    squares = Views(data, "original", side, seed=0, border=border)
    taken = [place for place in places if place < len(data)]
    padded = [np.asarray(squares.inputs(place, place + 1)[0]) for place in taken]
    images = [image[border : border + side, border : border + side] for image in padded]
    return pd.DataFrame(
        [(place, *image.shape[:2], image.ravel().tolist()) for place, image in zip(taken, images, strict=True)],
        columns=["picture", "height", "width", "values"],
    )
