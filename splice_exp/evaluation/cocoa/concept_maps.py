"""Where in the image are the concepts of its code? A map for each, and one for what no concept explains.

    x = Σ_k w_k d_k + r      ⇒      map of x = Σ_k w_k · map of d_k + map of r

because maps are linear in their direction: the label-free map of the centred embedding is shared out to its concepts.
Directions of a concept among the active ones, with D_A their atoms:

    plain           w_k d_k
    contrasted      w_k (d_k − mean of the other active atoms)
    biorthogonal    row k of (D_A D_Aᵀ + ε)⁻¹ D_A, which sees no other active concept

References:
    Lin, Chen, Kim, Lee. Contrastive corpus attribution for explaining representations (COCOA). ICLR 2023 (maps of a
    direction). Bhalla et al. Interpreting CLIP with sparse linear concept embeddings (SpLiCE). NeurIPS 2024 (codes).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from splice_exp.attribution.curves import curves
from splice_exp.attribution.explain import explain
from splice_exp.attribution.methods import Method
from splice_exp.attribution.removal import Removal
from splice_exp.attribution.targets import Directions
from splice_exp.core.errors import SpliceError, require_choice, require_integer
from splice_exp.core.measures import Measure, Unit, beside
from splice_exp.core.statistics.intervals import of_group
from splice_exp.data.base import EncodableSource
from splice_exp.decomposition.study import Study
from splice_exp.embeddings.geometry import center
from splice_exp.evaluation.base import CERTIFICATES, L0, NUM_SAMPLES, Evaluation, Findings, Metric, certificates
from splice_exp.evaluation.measures import localization
from splice_exp.evaluation.measures.shown_maps import MAPS, PICTURES, maps_table, pictures_table

DIRECTIONS = ("plain", "contrasted", "biorthogonal")
SHOWN_CONCEPTS = 4  # of an image, whose maps are kept
CURVES = ("insertion", "deletion")
RIDGE = 1e-3  # ε: active atoms may nearly coincide

MEASURES = (
    *beside(Measure("concept_maps/pointing", "pointing", Unit.SHARE, True), null="pointing at the other object"),
    Measure("concept_maps/energy_ratio", "energy / area", Unit.RATIO, True),
    Measure("concept_maps/insertion_own", "insertion, own code", Unit.NUMBER, True),
    Measure("concept_maps/insertion_other", "insertion, other object", Unit.NUMBER),
    Measure("concept_maps/deletion_own", "deletion, own code", Unit.NUMBER, False),
    Measure("concept_maps/deletion_other", "deletion, other object", Unit.NUMBER),
    Measure("concept_maps/additivity", "additivity error", Unit.BOUND, False, optional=True, floor=1e-5),
    Measure("concept_maps/residual", "residual", Unit.SHARE, False),
    L0,
    *CERTIFICATES,
    NUM_SAMPLES,
)


class ConceptMaps(Evaluation):
    """Whether the map of a concept lies on the object of which the concept is true, and whether it is of it alone.

    Judged are active concepts that are true of one object of the image and not of the other. `pointing`,
    `energy_ratio`: as in `cocoa_localization`, with the object (null: with the other one); `insertion_own`,
    `insertion_other`, `deletion_own`, `deletion_other`: mean share of a code that is there while pixels are put in, or
    taken out, those first that the map ranks first: of the concept itself, and of the concepts of the other object;
    codes along the way are read by the biorthogonal directions, on the support of the whole image; `additivity`:
    largest difference between the sum of all maps and the label-free one, in units of its largest value; `residual`:
    squares of the map of r over those of the map of x.

    Args:
        method: Makes the maps; linear in the direction.
        removal: What takes the place of removed pixels.
        direction: `plain`, `contrasted` or `biorthogonal`.
        judged: Concepts of each image, the largest first, whose pixels are put in and taken out.
        steps: In which they are.
        shown: Images whose maps are kept for figures.
        bootstrap_resamples: For the 95 % intervals, over images.
        seed: Of masks and the bootstrap.
    """

    measures = MEASURES

    def __init__(
        self,
        method: Method,
        removal: Removal,
        direction: str = "plain",
        judged: int = 2,
        steps: int = 20,
        shown: int = 4,
        bootstrap_resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_choice("direction", direction, DIRECTIONS)
        require_integer("judged", judged, 1)
        require_integer("steps", steps, 1)
        require_integer("shown", shown, 0)
        self._method, self._removal, self._direction = method, removal, direction
        self._judged, self._steps, self._shown = judged, steps, shown

    def evaluate(self, study: Study) -> Findings:
        """Explain all concepts of all images.

        Raises:
            SpliceError: if data have no objects whose pixels and concepts are known.
        """
        data, truth = study.data, study.truth
        known = isinstance(data, EncodableSource) and all(data.regions(place) for place in range(len(data)))
        if not known or truth is None:
            raise SpliceError(
                f"evaluation=concept_maps needs objects whose pixels and concepts are known, but {data.name} has none: "
                "set data=scenes_pairs."
            )
        assert isinstance(data, EncodableSource)
        coded = _coded(study)
        questions = _questions(coded, self._direction)
        found = explain(data, study.backbone, self._method, self._removal, questions, self._seed, study.cache)
        measured: dict[str, list[float]] = {}
        for place, (one, maps) in enumerate(zip(coded, found.maps, strict=True)):
            regions = (data.regions(place) or {}).values()
            masks = [localization.fit(mask, maps.shape[1:], study.backbone.border) for mask in regions]
            owners = [_owner(truth.named(name), truth.objects[place]) for name in one.names]
            scores = maps.double().numpy()
            image = study.backbone.preprocess(data.inputs(place, place + 1))
            for name, value in {
                **self._wholes(scores),
                **_placed(scores, masks, owners),
                **self._along_curves(study, image, one, maps, owners),
            }.items():
                measured.setdefault(f"concept_maps/{name}", []).append(value)
        samples = {name: _of_those_there(np.array(values)) for name, values in measured.items()}
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            **certificates(study.decomposition),
            "l0/mean": float(study.decomposition.codes.l0().double().mean()),
            "data/num_samples": len(data),
        }
        shown = [_shown(one, maps) for one, maps in zip(coded[: self._shown], found.maps, strict=False)]
        tables = {
            MAPS: maps_table(shown),
            PICTURES: pictures_table(data, range(self._shown), found.maps.shape[-1], study.backbone.border),
        }
        return Findings(metrics, study.embeddings.sample_ids, samples, tables)

    def _wholes(self, scores: np.ndarray) -> dict[str, float]:
        """Compare the sum of all maps with that of the whole."""
        parts, residual, whole = scores[:-2], scores[-2], scores[-1]
        found = {"residual": float((residual**2).sum() / (whole**2).sum())}
        if self._direction == "plain":
            found["additivity"] = float(np.abs(parts.sum(axis=0) + residual - whole).max() / np.abs(whole).max())
        return found

    def _along_curves(
        self, study: Study, image: Tensor, one: Coded, maps: Float[Tensor, "K h w"], owners: Sequence[int | None]
    ) -> dict[str, float]:
        """Put pixels in, and take them out, by the maps of the largest concepts, and see which codes follow."""
        found: dict[str, list[float]] = {f"{way}_{whose}": [] for way in CURVES for whose in ("own", "other")}
        judged = [number for number, owner in enumerate(owners) if owner is not None][: self._judged]
        for number in judged:
            rest = [other for other, owner in enumerate(owners) if owner not in (None, owners[number])]
            paths = curves(study.backbone, self._removal, image, maps[number], self._steps)
            whole = (normalize(paths[1][0], dim=0).double() - study.image_mean.double()) @ one.dual.T
            for way, path in zip(CURVES, paths, strict=True):
                codes = (normalize(path, dim=1).double() - study.image_mean.double()) @ one.dual.T
                share = (codes / whole).clamp(-1, 2).mean(dim=0)  # a code near zero must not decide the mean
                found[f"{way}_own"].append(float(share[number]))
                found[f"{way}_other"] += share[rest].tolist()
        return {name: _mean(values) for name, values in found.items()}


@dataclass(frozen=True, eq=False)
class Coded:
    """The code of one image.

    Attributes:
        names: Active concepts, the largest first.
        parts: w_k d_k, (k, d).
        atoms: d_k, (k, d).
        dual: Rows that see one active concept each, (k, d).
        target: x, (d,).
    """

    names: tuple[str, ...]
    parts: Float[Tensor, "k d"]
    atoms: Float[Tensor, "k d"]
    dual: Float[Tensor, "k d"]
    target: Float[Tensor, " d"]


def _coded(study: Study) -> list[Coded]:
    """Collect what is active in each image."""
    decomposition = study.decomposition
    targets, _ = center(study.embeddings.features, decomposition.image_mean)
    found = []
    for named, target in zip(decomposition.top(len(decomposition.dictionary)), targets.double(), strict=True):
        atoms = decomposition.dictionary.atoms[
            torch.tensor([decomposition.dictionary.index(name) for name, _ in named], dtype=torch.int64)
        ].double()
        values = torch.tensor([value for _, value in named], dtype=torch.float64)
        dual = torch.linalg.solve(atoms @ atoms.T + RIDGE * torch.eye(len(atoms), dtype=torch.float64), atoms)
        found.append(Coded(tuple(name for name, _ in named), values[:, None] * atoms, atoms, dual, target))
    return found


def _questions(coded: Sequence[Coded], direction: str) -> Directions:
    """Ask for every concept, the residual and the whole; images with fewer concepts ask for nothing in between."""
    most = max(len(one.names) for one in coded)
    rows = []
    for one in coded:
        own = one.dual if direction == "biorthogonal" else one.parts
        if direction == "contrasted" and len(one.names) > 1:
            others = (one.atoms.sum(dim=0) - one.atoms) / (len(one.names) - 1)
            own = one.parts - one.parts.norm(dim=1, keepdim=True) * others
        empty = torch.zeros(most - len(one.names), own.shape[1], dtype=own.dtype)
        residual = one.target - one.parts.sum(dim=0)
        rows.append(torch.cat([own, empty, residual[None], one.target[None]]).float())
    names = [*(f"concept {number}" for number in range(most)), "residual", "whole"]
    return Directions(names, torch.stack(rows))


def _shown(one: Coded, maps: Float[Tensor, "K h w"]) -> dict[str, np.ndarray]:
    """Return the maps of the largest concepts of an image, and that of the residual."""
    names = one.names[:SHOWN_CONCEPTS]
    return {**{name: maps[number].numpy() for number, name in enumerate(names)}, "residual": maps[-2].numpy()}


def _owner(words: frozenset[str], objects: Sequence[frozenset[str]]) -> int | None:
    """Return the only object that all words are true of; None where there is none, or several."""
    owners = [number for number, true in enumerate(objects) if words <= true]
    return owners[0] if len(owners) == 1 else None


def _placed(scores: np.ndarray, masks: Sequence[np.ndarray], owners: Sequence[int | None]) -> dict[str, float]:
    """Compare the maps of concepts that belong to one object with its pixels, and with those of the other."""
    found: dict[str, list[float]] = {name: [] for name in ("pointing", "pointing_null", "energy_ratio")}
    for values, owner in zip(scores, owners, strict=False):
        if owner is None:
            continue
        found["pointing"].append(localization.points_at(values, masks[owner]))
        found["pointing_null"].append(localization.points_at(values, masks[1 - owner]))
        found["energy_ratio"].append(localization.energy(values, masks[owner]) / masks[owner].mean())
    return {name: _mean(values) for name, values in found.items()}


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _of_those_there(values: np.ndarray) -> np.ndarray:
    """Return values whose mean is that of the images that have a value."""
    there = ~np.isnan(values)
    return of_group(np.nan_to_num(values), there) if there.any() and not there.all() else np.nan_to_num(values)
