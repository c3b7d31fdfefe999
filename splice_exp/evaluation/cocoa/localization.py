"""Do the pixels that make an image resemble the name of an object belong to it?

    corpus: "a photo of a red star"        foil: the other object of the image, or all other names

References:
    Lin, Chen, Kim, Lee. Contrastive corpus attribution for explaining representations (COCOA). ICLR 2023, section 5.3,
    which shows such maps and does not measure them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from splice_exp.attribution.explain import explain
from splice_exp.attribution.methods import Method
from splice_exp.attribution.removal import Removal
from splice_exp.attribution.targets import KINDS
from splice_exp.backbones.base import Backbone
from splice_exp.core.errors import SpliceError, require_choice, require_integer
from splice_exp.core.measures import Measure, Unit
from splice_exp.data.base import DataSource, EncodableSource
from splice_exp.data.selection import Selection
from splice_exp.decomposition.study import Study
from splice_exp.embeddings.extract import extract
from splice_exp.evaluation.base import NUM_SAMPLES, Evaluation, Findings, Metric
from splice_exp.evaluation.cocoa.prompts import FOILS, Prompts, require_prompt
from splice_exp.evaluation.measures import localization
from splice_exp.evaluation.measures.shown_maps import MAPS, PICTURES, maps_table, pictures_table

MEASURES = {
    "pointing": localization.points_at,
    "energy": localization.energy,
    "average_precision": localization.precision_of,
}

DECLARED = (
    Measure("localization/pointing", "pointing", Unit.SHARE, True),
    Measure("localization/pointing_box", "pointing at the box", Unit.SHARE, True),
    Measure("localization/both", "both objects", Unit.SHARE, True),
    Measure("localization/energy", "energy", Unit.SHARE, True),
    Measure("localization/energy_ratio", "energy / area", Unit.RATIO, True),
    Measure("localization/average_precision", "average precision", Unit.SHARE, True),
    Measure("localization/iou_mean", "IoU above mean", Unit.INDEX, True),
    Measure("localization/iou_otsu", "IoU above Otsu", Unit.INDEX, True),
    Measure("localization/iou_validated", "IoU, validated", Unit.INDEX, True),
    Measure("localization/box", "box", Unit.SHARE, True),
    Measure("localization/box_best", "MaxBoxAcc", Unit.SHARE, True),
    Measure("localization/absent_peak", "peak of an absent object", Unit.RATIO, False, optional=True),
    Measure("localization/reliability", "reliability", Unit.COSINE, True, optional=True),
    Measure("localization/area", "object area", Unit.SHARE),
    Measure("localization/level_validated", "validated threshold", Unit.INDEX),
    Measure("localization/num_out_of_view", "out of view", Unit.COUNT),
    NUM_SAMPLES,
)


class CocoaLocalization(Evaluation):
    """Pointing game, energy, overlap and boxes of maps of two named objects; measures are means over the two.

    `pointing`: the largest value lies on the object (`pointing_box`: in its box); `both`: that of either map does;
    `energy`: share of the positive values on the object, `energy_ratio`: over its share of the area; `iou_mean`,
    `iou_otsu`, `iou_validated`: overlap of the object with the pixels above a threshold, the last one chosen on
    validation images; `box`: the box around the largest part above a validated threshold is that of the object,
    `box_best`: above the best threshold of the test images themselves (MaxBoxAcc); `absent_peak`: largest value of
    the map of an absent object, over the mean of those of the two present ones; `reliability`: rank correlation
    of the maps from either half of the masks. Label-free maps are the same for both objects.

    Args:
        method: Makes the maps.
        removal: What takes the place of removed pixels.
        val: Images on which thresholds are chosen.
        kind: What is explained: `contrastive_corpus` (COCOA), `corpus`, `contrastive_label_free` or `label_free`.
        foil: Of `contrastive_corpus`: `other`, the other object, or `all` other names.
        prompt: Text of a name, with `{}` in its place.
        shown: Images whose maps are kept for figures.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of masks, absent objects and the bootstrap.
    """

    measures = DECLARED

    def __init__(
        self,
        method: Method,
        removal: Removal,
        val: DataSource,
        kind: str = "contrastive_corpus",
        foil: str = "other",
        prompt: str = "a photo of a {}",
        shown: int = 6,
        bootstrap_resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_choice("kind", kind, KINDS)
        require_choice("foil", foil, FOILS)
        require_prompt(prompt)
        require_integer("shown", shown, 0)
        self._method, self._removal, self._val = method, removal, val
        self._kind, self._foil, self._prompt, self._shown = kind, foil, prompt, shown

    def evaluate(self, study: Study) -> Findings:
        """Explain all images, and compare the maps with the objects.

        Raises:
            SpliceError: if an image does not have two named regions.
        """
        data, val = (in_view(part, study.backbone) for part in (study.data, self._val))
        test = self._pictures(study, data)
        levels = self._best_levels(self._pictures(study, val))
        found: dict[str, list[float]] = {}
        at_levels = []
        for picture in test:
            for name, value in self._judge(picture, levels).items():
                found.setdefault(f"localization/{name}", []).append(value)
            at_levels.append(_boxes(picture))
        samples = {name: np.array(values) for name, values in found.items()}
        best = int(np.mean(at_levels, axis=0).argmax())
        samples["localization/box_best"] = np.array(at_levels)[:, best]
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            "localization/area": float(np.mean([mask.mean() for picture in test for mask in picture.masks])),
            "localization/level_validated": float(localization.LEVELS[levels[0]]),
            "localization/num_out_of_view": len(study.data) - len(data),
            "data/num_samples": len(test),
        }
        shown = [dict(zip(one.names, one.maps, strict=True)) for one in test[: self._shown]]
        tables = {
            MAPS: maps_table(shown),
            PICTURES: pictures_table(data, range(self._shown), test[0].maps.shape[-1], study.backbone.border),
        }
        return Findings(metrics, data.sample_ids, samples, tables)

    def _pictures(self, study: Study, data: EncodableSource) -> list[Pictured]:
        """Explain the images of a part of the data."""
        named = [data.regions(index) or {} for index in range(len(data))]
        pairs = [tuple(one) for one in named]
        backbone = study.backbone
        prompts = Prompts(backbone, self._prompt, [name for pair in pairs for name in pair])
        explicands = extract(data, backbone, study.cache).features
        questions = prompts.questions(pairs, explicands, self._seed)
        attributions = explain(data, backbone, self._method, self._removal, questions, self._seed, study.cache)
        places = [questions.names.index(name) for name in self._asked()]
        absent = questions.names.index("absent")
        return [
            Pictured(
                names=pair,
                masks=tuple(localization.fit(mask, maps.shape[-2:], backbone.border) for mask in masks.values()),
                maps=maps[places].double().numpy(),
                absent=maps[absent].double().numpy(),
                reliability=float(reliability[places].mean()),
            )
            for pair, masks, maps, reliability in zip(
                pairs, named, attributions.maps, attributions.reliability, strict=True
            )
        ]

    def _asked(self) -> tuple[str, str]:
        """Return the names of the targets of the two objects."""
        if self._kind == "contrastive_corpus":
            return f"{self._foil}_0", f"{self._foil}_1"
        return ("corpus_0", "corpus_1") if self._kind == "corpus" else (self._kind, self._kind)

    def _best_levels(self, pictures: Sequence[Pictured]) -> tuple[int, int]:
        """Return the levels of the best overlap and of the most boxes, on validation images."""
        overlaps = np.mean([_overlaps(picture) for picture in pictures], axis=0)
        boxes = np.mean([_boxes(picture) for picture in pictures], axis=0)
        return int(overlaps.argmax()), int(boxes.argmax())

    def _judge(self, picture: Pictured, levels: tuple[int, int]) -> dict[str, float]:
        pairs = list(zip(picture.maps, picture.masks, strict=True))
        hits = [localization.points_at(scores, mask) for scores, mask in pairs]
        found = {name: float(np.mean([measure(*pair) for pair in pairs])) for name, measure in MEASURES.items()}
        boxes = [localization.filled(localization.box_of(mask), mask.shape) for mask in picture.masks]
        found["pointing_box"] = float(
            np.mean([localization.points_at(scores, box) for scores, box in zip(picture.maps, boxes, strict=True)])
        )
        found["both"] = float(np.prod(hits))
        found["energy_ratio"] = float(np.mean([localization.energy(*pair) / pair[1].mean() for pair in pairs]))
        for name, region in (("iou_mean", localization.above_mean), ("iou_otsu", localization.above_otsu)):
            found[name] = float(np.mean([localization.overlap(region(scores), mask) for scores, mask in pairs]))
        found["iou_validated"] = float(_overlaps(picture)[levels[0]])
        found["box"] = float(_boxes(picture)[levels[1]])
        if self._kind == "contrastive_corpus" and self._foil == "all":
            there = np.mean([scores.max() for scores in picture.maps])
            found["absent_peak"] = float(picture.absent.max() / there)
        if not np.isnan(picture.reliability):
            found["reliability"] = picture.reliability
        return found


@dataclass(frozen=True, eq=False)
class Pictured:
    """An image of two objects, and its maps.

    Attributes:
        names: Of the objects.
        masks: Their pixels, (h, w) bool each.
        maps: One per object, (2, h, w).
        absent: The map of an absent object, (h, w).
        reliability: Mean rank correlation of the maps from either half of the masks or samples; NaN where it is not
            known.
    """

    names: tuple[str, ...]
    masks: tuple[np.ndarray, ...]
    maps: np.ndarray
    absent: np.ndarray
    reliability: float


def in_view(data: DataSource, backbone: Backbone) -> EncodableSource:
    """Leave out the images of which the backbone does not see both objects, because it cuts the edges off.

    Args:
        data: With two named objects in each image.
        backbone: Preprocesses the images.

    Returns:
        The data themselves where nothing is left out.

    Raises:
        SpliceError: if an image does not have two named objects, or no image is left.
    """
    if not isinstance(data, EncodableSource):
        raise SpliceError("evaluation=cocoa_localization explains pixels, but data are embeddings: take images.")
    regions = [data.regions(index) or {} for index in range(len(data))]
    if any(len(one) != 2 for one in regions):
        raise SpliceError(
            f"evaluation=cocoa_localization needs two named objects in every image, but {data.name} has other "
            "images: set data=scenes_pairs."
        )
    shape = backbone.preprocess(data.inputs(0, 1)).shape[-2:]
    seen = [[localization.fit(mask, shape, backbone.border) for mask in one.values()] for one in regions]
    kept = [row for row, masks in enumerate(seen) if all(mask.any() for mask in masks)]
    if not kept:
        raise SpliceError(f"{data.name} has no image of which the backbone sees both objects: take others.")
    return data if len(kept) == len(data) else Selection(data, kept)


def _overlaps(picture: Pictured) -> np.ndarray:
    """Return the IoU at each level, mean over the objects."""
    return np.mean(
        [
            [localization.overlap(region, mask) for region in localization.at_levels(scores)]
            for scores, mask in zip(picture.maps, picture.masks, strict=True)
        ],
        axis=0,
    )


def _boxes(picture: Pictured) -> np.ndarray:
    """Return the share of boxes that are found at each level."""
    return np.mean(
        [
            [localization.finds_box(region, mask) for region in localization.at_levels(scores)]
            for scores, mask in zip(picture.maps, picture.masks, strict=True)
        ],
        axis=0,
    )
