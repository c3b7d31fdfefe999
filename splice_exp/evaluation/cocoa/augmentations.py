"""What makes a view of an image resemble the image? Maps of augmented views against their originals.

    explicand: a view        corpus: its image        foil: images of all kinds

References:
    Lin, Chen, Kim, Lee. Contrastive corpus attribution for explaining representations (COCOA). ICLR 2023, section 5.3,
    which shows such maps of SimCLR and does not measure them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.attribution.corpus import Corpus
from splice_exp.attribution.explain import explain
from splice_exp.attribution.methods import Method
from splice_exp.attribution.removal import Removal
from splice_exp.attribution.represent import represent_all
from splice_exp.attribution.targets import target_of
from splice_exp.core.errors import SpliceError, require_choice, require_integer, require_names
from splice_exp.core.keys import key_of
from splice_exp.core.measures import Measure, Unit, beside
from splice_exp.core.statistics.intervals import of_group
from splice_exp.data.base import DataSource, EncodableSource
from splice_exp.data.selection import Selection
from splice_exp.data.views import VIEWS, Views
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import NUM_SAMPLES, Evaluation, Findings, Metric
from splice_exp.evaluation.measures import localization
from splice_exp.evaluation.measures.map_likeness import rank_correlations
from splice_exp.evaluation.measures.shown_maps import MAPS, PICTURES, maps_table, pictures_table

MEASURES = (
    *beside(
        Measure("augmentation/similarity", "similarity", Unit.NUMBER, True),
        dense="similarity of the original",
        null="similarity with another image",
    ),
    *beside(
        Measure("augmentation/rank", "rank correlation of maps", Unit.COSINE, True),
        again="rank correlation, same image again",
        null="rank correlation, another image",
    ),
    *beside(
        Measure("augmentation/object_energy", "energy / area of objects", Unit.RATIO, True, optional=True),
        original="energy / area of objects, original",
    ),
    Measure("augmentation/erased_energy", "energy / area of erased pixels", Unit.RATIO, optional=True),
    NUM_SAMPLES,
)


class CocoaAugmentations(Evaluation):
    """Similarity of views to their images, and of the maps of the two.

    `similarity`: of the view, with its image minus with the foil (`_dense`: of the image itself, the most there is;
    `_null`: with another image). `rank`: correlation of the map of the view with that of the image, moved to where
    its pixels went (`_again`: of two maps of the image, the ceiling; `_null`: with that of another image). Where it
    is known: `object_energy`, share of the positive values on the objects over their share of the area, and
    `object_energy_original`; `erased_energy`, the same of erased pixels. Objects and pixels out of view do not count.

    Args:
        method: Makes the maps.
        removal: What takes the place of removed pixels.
        train: Where foils come from.
        view: One of `VIEWS`.
        foil_size: Samples.
        classes: Of the images; None: all.
        shown: Images whose maps are kept for figures.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of views, foils, masks and the bootstrap.
    """

    measures = MEASURES

    def __init__(
        self,
        method: Method,
        removal: Removal,
        train: DataSource,
        view: str = "original",
        foil_size: int = 1500,
        classes: Sequence[str] | None = None,
        shown: int = 4,
        bootstrap_resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_choice("view", view, VIEWS)
        require_integer("foil_size", foil_size, 1)
        require_integer("shown", shown, 0)
        if classes is not None:
            require_names("classes", classes)
        self._method, self._removal, self._train, self._view = method, removal, train, view
        self._foil_size, self._classes, self._shown = foil_size, classes, shown

    def require(self, data: DataSource) -> None:
        for name in self._classes or ():
            data.class_named(name, of=self)

    def evaluate(self, study: Study) -> Findings:
        """Explain the views and their images, and compare.

        Raises:
            SpliceError: if the data are not images, or there are too few training images.
        """
        pictures, backbone = self._pictures(study.data), study.backbone
        side = int(backbone.preprocess(pictures.inputs(0, 1)).shape[-1])
        originals, views = (
            Views(pictures, view, side, self._seed, backbone.border) for view in ("original", self._view)
        )
        own, seen = (represent_all(one, backbone, study.cache) for one in (originals, views))
        target = target_of("contrastive_label_free", explicands=own, foil=self._foil(study))
        order = torch.from_numpy(self._permutation(len(own)))
        samples: dict[str, np.ndarray] = {
            f"augmentation/similarity{suffix}": target.scores(shown, rows)[:, 0].double().numpy()
            for suffix, shown, rows in (
                ("", seen, torch.arange(len(own))),
                ("_dense", own, torch.arange(len(own))),
                ("_null", seen, order),
            )
        }
        maps, of_originals, again = (
            explain(data, backbone, self._method, self._removal, target, seed, study.cache).maps[:, 0]
            for data, seed in ((views, self._seed), (originals, self._seed), (originals, self._seed + 1))
        )
        # Masks of a view and of its image are sampled independently: the same masks make maps alike that have no more
        # in common than noise.
        moved = _carried(views, again)
        for suffix, pair in (
            ("", (maps, moved)),
            ("_again", (_carried(views, of_originals), moved)),
            ("_null", (maps, _carried(views, again[order]))),
        ):
            samples[f"augmentation/rank{suffix}"] = rank_correlations(*pair)
        samples |= self._energies(views, originals, maps, of_originals)
        metrics: dict[str, Metric] = {**self._summarised(samples), "data/num_samples": len(views)}
        shown = [{self._view: scores.double().numpy()} for scores in maps[: self._shown]]
        tables = {MAPS: maps_table(shown), PICTURES: pictures_table(views, range(self._shown), side, backbone.border)}
        return Findings(metrics, views.sample_ids, samples, tables)

    def _pictures(self, data: DataSource) -> EncodableSource:
        """Return the images whose views are explained."""
        if not isinstance(data, EncodableSource):
            raise SpliceError("evaluation=cocoa_augmentations explains pixels, but data are embeddings: take images.")
        if self._classes is None:
            return data
        wanted = {data.class_named(name, of=self) for name in self._classes}
        assert data.labels is not None
        return Selection(data, [row for row, label in enumerate(data.labels.tolist()) if data.classes[label] in wanted])

    def _foil(self, study: Study) -> Corpus:
        if not isinstance(self._train, EncodableSource) or len(self._train) < self._foil_size:
            raise SpliceError(
                f"{key_of('foil_size', self)} is {self._foil_size}, but {self._train.name} has fewer images: "
                "lower it, or "
                "take more."
            )
        places = np.random.default_rng(self._seed).permutation(len(self._train))[: self._foil_size]
        foil = Selection(self._train, sorted(places.tolist()))
        return Corpus.of("foil", [represent_all(foil, study.backbone, study.cache)])

    def _energies(
        self, views: Views, originals: Views, maps: Float[Tensor, "n h w"], of_originals: Float[Tensor, "n h w"]
    ) -> dict[str, np.ndarray]:
        """Return the shares of positive values on objects and on erased pixels, each over its share of the area."""
        judged = {"erased_energy": (maps, [views.erased(row) for row in range(len(views))])}
        if views.regions(0):
            judged["object_energy"] = maps, _objects(views)
            judged["object_energy_original"] = of_originals, _objects(originals)
        return {
            f"augmentation/{name}": _ratios(scores, masks)
            for name, (scores, masks) in judged.items()
            if any(mask.any() for mask in masks)
        }


def _objects(data: EncodableSource) -> list[np.ndarray]:
    """Return the pixels of all objects of each image."""
    return [np.any(list((data.regions(row) or {}).values()), axis=0) for row in range(len(data))]


def _carried(views: Views, maps: Float[Tensor, "n h w"]) -> Float[Tensor, "n h w"]:
    """Move maps of images to where the pixels are in their views."""
    return torch.stack([views.carried(row, one[None])[0] for row, one in enumerate(maps)])


def _ratios(maps: Float[Tensor, "n h w"], masks: Sequence[np.ndarray]) -> np.ndarray:
    """Return share of energy over share of area of the masks, (n,); empty ones do not enter the mean."""
    there = np.array([mask.any() for mask in masks])
    pairs = zip(maps.double().numpy(), masks, strict=True)
    return of_group(np.array([localization.energy(*pair) / max(pair[1].mean(), 1e-12) for pair in pairs]), there)
