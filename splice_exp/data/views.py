"""Views of images, as contrastive learning sees them: flipped, cropped, greyed, …, the same whenever one asks.

Images are first brought to the square that the backbone sees, so that a view, its image and their maps share their
coordinates. What the backbone cuts off is put around the view again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from PIL import Image
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from splice_exp.core.errors import SpliceError, require_choice, require_integer
from splice_exp.core.images.colours import rgb
from splice_exp.core.io import digest, seed_of
from splice_exp.core.runs.code import code_of
from splice_exp.data.base import EncodableSource

MOVING = ("flip", "crop", "flipped_crop", "rotation")  # views that put pixels elsewhere
VIEWS = ("original", *MOVING, "grey", "colour", "erase")
CROPPED, ERASED = (0.2, 0.5), (0.1, 0.25)  # shares of the area
COLOUR = (0.8, 0.8, 0.8, 0.2)  # brightness, contrast, saturation, hue
GREY = 0.5  # what erased pixels get, in [0, 1]


class Views(EncodableSource):
    """One view of every image of a data set.

    Args:
        data: The images.
        view: One of `VIEWS`.
        side: Of the square, pixels.
        seed: Of everything that is sampled; every image has its own random numbers, from this and its name.
        border: Pixels that the backbone cuts off each side of a resized image.
    """

    def __init__(self, data: EncodableSource, view: str, side: int, seed: int, border: int = 0) -> None:
        require_choice("view", view, VIEWS)
        require_integer("side", side, 1)
        super().__init__(data.name, data.missing_classes)
        self.kind = data.kind
        self._data, self._view, self._side, self._seed, self._border = data, view, side, seed, border
        self.classes, self.labels, self.sample_ids = data.classes, data.labels, data.sample_ids
        self._square = v2.Compose([v2.Resize(side + 2 * border, antialias=True), v2.CenterCrop(side)])
        self._transform = _transform(view, side)

    def inputs(self, start: int, stop: int) -> list[Any]:
        return [
            v2.functional.to_pil_image(self._padded(self._drawn(index, self._pixels(picture))))
            for index, picture in enumerate(self._data.inputs(start, stop), start)
        ]

    def regions(self, index: int) -> Mapping[str, np.ndarray] | None:
        found = self._data.regions(index)
        if not found:
            return found
        masks = self._square(tv_tensors.Mask(torch.from_numpy(np.stack(list(found.values())))))
        moved = self.carried(index, masks.float()) > 0.5
        return dict(zip(found, moved.numpy(), strict=True))

    def carried(self, index: int, values: Float[Tensor, "k side side"]) -> Float[Tensor, "k side side"]:
        """Move what belongs to the pixels of an image to where they are in its view.

        Args:
            index: Of the image.
            values: k of each pixel of the square.

        Returns:
            The same values in the pixels of the view; as they are where the view moves nothing.
        """
        if self._view not in MOVING:
            return values
        return torch.Tensor(self._drawn(index, tv_tensors.Mask(values)))

    def erased(self, index: int) -> Bool[np.ndarray, "side side"]:
        """Return the pixels of a view that were erased: none but of `erase`."""
        if self._view != "erase":
            return np.zeros((self._side, self._side), dtype=bool)
        blank = tv_tensors.Image(torch.zeros(3, self._side, self._side))
        return np.asarray(self._drawn(index, blank)[0] > 0)

    def fingerprint(self) -> str:
        drawn = [code_of(self._data), self._view, self._side, self._seed, self._border, list(self.sample_ids)]
        return f"views:{digest([self._data.fingerprint(), *drawn, CROPPED, ERASED, COLOUR])}"

    def _pixels(self, picture: Any) -> tv_tensors.Image:
        if not isinstance(picture, Image.Image):
            raise SpliceError(f"Views are made from images, but {self.name} has none: take images, as data=scenes.")
        image = v2.functional.to_image(self._square(rgb(picture)))
        return tv_tensors.Image(v2.functional.to_dtype(image, torch.float32, scale=True))

    def _padded(self, view: Tensor) -> Tensor:
        """Put around a view what the backbone will cut off."""
        found: Tensor = v2.functional.pad(view, [self._border] * 4, padding_mode="edge") if self._border else view
        return found

    def _drawn(self, index: int, values: Tensor) -> Tensor:
        """Transform what belongs to an image, with the random numbers of that image."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed_of(self._seed, self.sample_ids[index]))  # of no accelerator
            found: Tensor = self._transform(values)
        return found


def _transform(view: str, side: int) -> v2.Transform:
    """Return what makes a view."""
    crop, flip = v2.RandomResizedCrop(side, scale=CROPPED, antialias=True), v2.RandomHorizontalFlip(p=1)
    transforms: Mapping[str, Sequence[v2.Transform]] = {
        "original": (v2.Identity(),),
        "flip": (flip,),
        "crop": (crop,),
        "flipped_crop": (crop, flip),
        "rotation": (v2.RandomRotation((90, 90)),),
        "grey": (v2.Grayscale(3),),
        "colour": (v2.ColorJitter(*COLOUR),),
        "erase": (v2.RandomErasing(p=1, scale=ERASED, value=GREY),),
    }
    return v2.Compose(transforms[view])
