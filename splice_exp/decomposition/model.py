"""SpLiCE in a notebook: load once, then decompose images, embeddings and texts.

from splice_exp import Splice

splice = Splice.load()                                  # the synthetic benchmark
found = splice.decompose(["photo.jpg"])                 # files, images, or (n, d) embeddings
found.top(10), found.reconstruct(), found.intervene(remove=["grass"])
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.backbones.base import Backbone
from splice_exp.backbones.drawings_only import warn_once
from splice_exp.core.errors import SpliceError
from splice_exp.core.matrices.unit_rows import checked_features
from splice_exp.core.stored import SUFFIXES, read_stored_embeddings
from splice_exp.core.types import Dictionary, Embeddings, Modality
from splice_exp.data.pictures import ImageOrFile, as_picture, listed_images
from splice_exp.decomposition.splice import Decomposition, decompose
from splice_exp.dictionaries.load import ExplainedModel
from splice_exp.embeddings.geometry import FEWEST, Alignment, image_mean
from splice_exp.solvers.active_set import ActiveSet
from splice_exp.solvers.base import Solver

TOGETHER = 64  # images embedded at a time


class Splice(ExplainedModel):
    """A backbone, a dictionary and an image mean: all that a decomposition needs.

    Args:
        backbone: Embeds images and texts.
        dictionary: Atoms in the same space.
        mean: μ of the images; None: estimated from the images of each call, which must then be many.
        solver: Of the codes; by default the exact one at L = 0.25.
        alignment: What is centred, and the inverse map.

    Example:
        >>> splice = Splice.load(vocabulary=["star", "heart", "grass", "water", "red", "blue"])
        >>> len(splice.dictionary)
        6
    """

    default_solver = ActiveSet

    def __init__(
        self,
        backbone: Backbone,
        dictionary: Dictionary,
        mean: Float[Tensor, " d"] | None,
        solver: Solver | None = None,
        alignment: Alignment | None = None,
    ) -> None:
        super().__init__(backbone, dictionary, mean, solver)
        self.alignment = Alignment() if alignment is None else alignment

    def embed(self, images: ImageOrFile | Sequence[ImageOrFile]) -> Float[Tensor, "n d"]:
        """Embed images as unit rows: files, PIL images, or arrays, by the rules of `core.images.colours`.

        Args:
            images: One or several, or a folder of files.

        Raises:
            SpliceError: naming a file that cannot be read.
        """
        images = listed_images("Splice.embed", images)
        parts = []
        for start in range(0, len(images), TOGETHER):
            opened = [as_picture(image) for image in images[start : start + TOGETHER]]
            parts.append(self.backbone.encode_images(opened).cpu())
        return torch.cat(parts)

    def decompose(self, images: ImageOrFile | Sequence[ImageOrFile] | Tensor) -> Decomposition:
        """Decompose images or their embeddings.

        Args:
            images: Files, PIL images or arrays of pixels, one or several, or a folder of files; or (n, d) embeddings of
                any norm, of PyTorch on any device, of NumPy, or as a file of embeddings (layouts in
                `splice_exp.core.stored`).

        Returns:
            One row of codes for each image or embedding, in their order.

        Raises:
            SpliceError: for embeddings of another width, or too few images to estimate a mean from.

        Example:
            >>> from splice_exp.data.scenes.plain import Scenes
            >>> found = Splice.load().decompose(Scenes(2).inputs(0, 2))
            >>> [len(named) for named in found.top(3)]
            [3, 3]
            >>> found.reconstruct().shape
            torch.Size([2, 512])
            >>> gone = found.intervene(remove=[found.top(1)[0][0][0]])
            >>> bool(gone.codes.l0()[0] == found.codes.l0()[0] - 1)
            True
        """
        if isinstance(images, (str, Path)) and Path(images).suffix in SUFFIXES:
            return self._of_file(Path(images))
        if isinstance(images, np.ndarray) and images.ndim in (1, 2) and images.dtype.kind == "f":
            images = torch.from_numpy(np.ascontiguousarray(images))
        if not isinstance(images, Tensor):
            images = listed_images("Splice.decompose", images)
            warn_once(getattr(self.backbone, "model", ""), "Splice.decompose")
        features = self._checked(images) if isinstance(images, Tensor) else self.embed(images)
        if isinstance(images, Tensor):
            return self._solved(features, "image", self.mean)
        names = [str(one) if isinstance(one, (str, Path)) else f"image {index}" for index, one in enumerate(images)]
        return replace(self._solved(features, "image", self.mean, names), images=tuple(images))

    def _of_file(self, path: Path) -> Decomposition:
        """Decompose stored embeddings, under the names that their file gives them."""
        stored = read_stored_embeddings(str(path), "images")
        features = self._checked(stored.features)
        files = stored.description.get("files", range(len(features)))
        return self._solved(features, "image", self.mean, [str(file) for file in files])

    def decompose_text(self, texts: str | Sequence[str], mean: Float[Tensor, " d"] | None = None) -> Decomposition:
        """Decompose texts, around the mean of the dictionary or of other texts.

        Args:
            texts: One or several.
            mean: What texts are centred by; by default the mean of the concepts.

        Returns:
            One row of codes for each text, in their order.

        Raises:
            SpliceError: if there are none.

        Example:
            >>> found = Splice.load().decompose_text("a red star on the grass")
            >>> [name for name, _ in found.top(2)[0]]
            ['grass', 'crimson star']
        """
        texts = [texts] if isinstance(texts, str) else list(texts) if isinstance(texts, Iterable) else [texts]
        if not texts:
            raise SpliceError("Splice.decompose_text was given no texts: give it one or more.")
        if other := [text for text in texts if not isinstance(text, str)]:
            raise SpliceError(f"Splice.decompose_text was given {other[0]!r}, but takes a text, or several.")
        around = self.dictionary.mean if mean is None else mean
        return self._solved(self.backbone.encode_text(texts), "text", around, texts)

    def _solved(
        self, features: Tensor, modality: Modality, mean: Tensor | None, names: Sequence[str] | None = None
    ) -> Decomposition:
        if mean is None and len(features) < FEWEST:
            raise SpliceError(
                f"There are {len(features)} images, of which no image mean can be estimated ({FEWEST} or more are "
                "needed): give Splice a mean, from python -m splice_exp estimate-mean or from more images."
            )
        ids = tuple(str(index) for index in range(len(features))) if names is None else tuple(names)
        embeddings = Embeddings(features, None, ids, (), modality, self.backbone.backbone_id)
        around = image_mean(embeddings) if mean is None else mean
        return decompose(embeddings, self.dictionary, self.solver, self.alignment, around)

    def _checked(self, features: Tensor) -> Float[Tensor, "n d"]:
        found = checked_features(features.detach().cpu(), "The array given to Splice.decompose")
        if found.shape[1] != self.backbone.dim:
            raise SpliceError(
                f"The embeddings are {found.shape[1]} wide, but those of the backbone {self.backbone.dim}."
            )
        return found
