"""COCOA in a notebook: load once, then ask which pixels of an image resemble a corpus rather than a foil.

from splice_exp import Cocoa

cocoa = Cocoa.load()                                                # the synthetic benchmark
found = cocoa.explain("photo.png", "a photo of a star", "a photo of a house")
found.maps, found.similarity, found.reliability, found.plot()
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.attribution.corpus import Corpus
from splice_exp.attribution.methods import Explicands, Method
from splice_exp.attribution.removal import Blur, Mean, Removal
from splice_exp.attribution.rise import Rise
from splice_exp.attribution.targets import Target, target_of
from splice_exp.backbones.base import Backbone
from splice_exp.backbones.drawings_only import warn_once
from splice_exp.backbones.load import load_backbone, model_name, require_loadable
from splice_exp.core.errors import SpliceError
from splice_exp.core.images.colours import Pixels
from splice_exp.core.io import seed_of
from splice_exp.core.tensors import tensor_digest
from splice_exp.core.text.html import html_table
from splice_exp.data.pictures import ImageOrFile, as_picture, listed_images
from splice_exp.dictionaries.vocabulary import vocabulary_named

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TOGETHER = 64  # images that are represented at a time
SHOWN = 5  # images in a notebook

Parts: TypeAlias = tuple[Float[Tensor, "n h w"], Float[Tensor, " n"], Float[Tensor, " n"]]
Members: TypeAlias = str | Sequence[str] | Sequence[Path | Pixels] | Tensor | np.ndarray | Corpus


@dataclass(frozen=True, eq=False, repr=False)
class Explained:
    """What was found of n images.

    Attributes:
        maps: Large where a pixel speaks for the corpus, negative where it speaks for the foil, (n, h, w).
        similarity: Of each image with the corpus, minus with the foil, (n,).
        reliability: Rank correlation of the maps from either half of the masks or samples, (n,); NaN where it is not
            known.
        target: What was asked: the names of corpus and foil.
        images: What was explained, as files or PIL images.
        backbone: What looked at them.
    """

    maps: Float[Tensor, "n h w"]
    similarity: Float[Tensor, " n"]
    reliability: Float[Tensor, " n"]
    target: str
    images: tuple[ImageOrFile, ...]
    backbone: Backbone

    def __len__(self) -> int:
        return len(self.maps)

    def __repr__(self) -> str:
        return f"Explained({len(self)} images: {self.target})"

    def _repr_html_(self) -> str:
        rows = [
            [sample, f"{similarity:.3f}", "unknown" if reliability != reliability else f"{reliability:.2f}"]
            for sample, (similarity, reliability) in enumerate(
                zip(self.similarity[:SHOWN].tolist(), self.reliability[:SHOWN].tolist(), strict=True)
            )
        ]
        return html_table(repr(self), ["image", "similarity", "reliability"], rows)

    def plot(self, sample: int = 0) -> Figure:
        """Plot the map of an image over it, beside the image.

        Args:
            sample: Its index.

        Raises:
            SpliceError: if there is no such image.
        """
        from splice_exp.attribution.plot import plot_map  # late: matplotlib takes a second

        return plot_map(self, sample)


class Cocoa:
    """A backbone, and a way to attribute.

    Args:
        backbone: Represents images, and texts if corpora are texts.
        method: Makes the maps; by default RISE with 2,000 masks.
        removal: What takes the place of removed pixels; by default the blurred image, as in the paper.
        foil: What images are compared with where `explain` is given no foil; None: with nothing, by the corpus alone.
    """

    def __init__(
        self,
        backbone: Backbone,
        method: Method | None = None,
        removal: Removal | None = None,
        foil: Corpus | None = None,
    ) -> None:
        self.backbone, self.foil = backbone, foil
        self.method = Rise(num_masks=2000) if method is None else method
        self.removal = Blur() if removal is None else removal

    def __repr__(self) -> str:
        foil = "without a foil" if self.foil is None else f"foil: {self.foil.name}"
        return f"Cocoa({model_name(self.backbone)}, {type(self.method).__name__}, {foil})"

    def _repr_html_(self) -> str:
        foil = "none" if self.foil is None else self.foil.name
        rows = [["model", model_name(self.backbone)], ["method", repr(self.method)], ["foil", foil]]
        return html_table(repr(self), ["", ""], rows)

    @classmethod
    def load(
        cls,
        model: str | None = None,
        pretrained: str | None = None,
        method: Method | None = None,
        removal: Removal | None = None,
        vocabulary: str | Path | Sequence[str] | None = None,
    ) -> Cocoa:
        """Load a model of open_clip; by default that of the synthetic benchmark, with grid and removal that suit it.

        Args:
            model: An architecture of open_clip, `hf-hub:…`, or `local-dir:…`.
            pretrained: Tag of its weights.
            method: Makes the maps.
            removal: What takes the place of removed pixels.
            vocabulary: Names that are the foil where `explain` is given none, as on the command line: a list by its
                name (`laion`, `mscoco`, `scenes`), a file with one name per line, or names. By default that of the
                synthetic benchmark, for its model; else there is no foil.

        Raises:
            SpliceError: if weights or names cannot be loaded.
        """
        require_loadable(model, pretrained, "Cocoa.load")
        names = "scenes" if model is None and vocabulary is None else vocabulary
        source = None if names is None else vocabulary_named(names)
        if source is not None:
            source.require()
        backbone = load_backbone(model, pretrained, "Cocoa.load")
        foil = None
        if source is not None:
            foil = Corpus.of("all concepts", [backbone.encode_text(source.load(backbone).concepts)])
        if model is None:
            return cls(backbone, method or Rise(num_masks=800, grid=7), removal or Mean(), foil)
        return cls(backbone, method, removal, foil)

    def explain(
        self,
        images: ImageOrFile | Sequence[ImageOrFile],
        corpus: Members,
        foil: Members | None = None,
        similarity: str = "cosine",
        seed: int = 0,
    ) -> Explained:
        """Explain why images resemble a corpus rather than a foil.

        Args:
            images: Files, PIL images or arrays of pixels, one or several.
            corpus: A text or several; images, as paths or PIL images; their representations, (m, d), of PyTorch or
                NumPy; or a `Corpus`.
            foil: The same; by default all concepts of the vocabulary that was loaded, or nothing if none was.
            similarity: `cosine` or `dot`.
            seed: Of everything that is sampled.

        Returns:
            A map of each image, and how similar it is to the corpus, less to the foil.

        Raises:
            SpliceError: if an image cannot be read, or corpus or foil are empty.

        Example:
            >>> from splice_exp.data.scenes.pairs import ScenePairs
            >>> pictures = ScenePairs(1)
            >>> first, second = pictures.regions(0)
            >>> found = Cocoa.load().explain(pictures.inputs(0, 1), f"a photo of a {first}", f"a photo of a {second}")
            >>> row, column = divmod(int(found.maps[0].argmax()), 84)
            >>> bool(pictures.regions(0)[first][row, column])
            True
        """
        images = listed_images("Cocoa.explain", images)
        warn_once(getattr(self.backbone, "model", ""), "Cocoa.explain")
        members, others = self.corpus(corpus), self.foil if foil is None else self.corpus(foil)
        name = f"{members.name} rather than {others.name}" if others else f"{members.name}, without a foil"
        kind = "contrastive_corpus" if others else "corpus"
        target = target_of(kind, similarity, corpus=members, foil=others, name=name)
        starts = range(0, len(images), TOGETHER)
        parts = [self._explain(images[start : start + TOGETHER], target, seed) for start in starts]
        maps, scores, reliability = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
        return Explained(maps, scores, reliability, name, tuple(images), self.backbone)

    def _explain(self, images: Sequence[ImageOrFile], target: Target, seed: int) -> Parts:
        """Explain some of the images; the random numbers of one depend on its file's name, as on the command line.

        An image that is not a file is identified by its pixels.
        """
        pixels = self.backbone.preprocess([as_picture(image) for image in images])
        names = [
            Path(image).name if isinstance(image, (str, Path)) else tensor_digest(seen)
            for image, seen in zip(images, pixels, strict=True)
        ]
        seeds = tuple(seed_of(seed, name) for name in names)
        explicands = Explicands(self.backbone, self.removal, pixels, seeds)
        found = self.method.attribute(explicands, target)
        with torch.no_grad():
            scores = target.scores(self.backbone.represent(pixels), explicands.samples)
        return found.maps[:, 0].cpu(), scores[:, 0].cpu(), found.reliability[:, 0].cpu()

    @torch.no_grad()
    def corpus(self, members: Members) -> Corpus:
        """Return the mean of texts, images or representations.

        Raises:
            SpliceError: if there is none.
        """
        if isinstance(members, Corpus):
            return members
        if isinstance(members, str):
            members = [members]
        if isinstance(members, np.ndarray):
            members = torch.from_numpy(np.ascontiguousarray(members)).float()
        if isinstance(members, Tensor):
            return Corpus.of(f"{len(members)} embeddings", [members])
        if members and all(isinstance(one, str) for one in members):
            texts = [str(one) for one in members]
            if files := [text for text in texts if Path(text).is_file()]:
                raise SpliceError(
                    f"{files[0]!r} is a file, but strings are texts: give images as paths, Path({files[0]!r})."
                )
            return Corpus.of(" / ".join(texts), [self.backbone.encode_text(texts)])
        starts = range(0, len(members), TOGETHER)
        batches = (
            self.backbone.represent(self.backbone.preprocess([as_picture(one) for one in members[at : at + TOGETHER]]))
            for at in starts
        )
        return Corpus.of(f"{len(members)} images", batches)
