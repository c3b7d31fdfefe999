"""If an object is moved, taken away, or made another one, does the map of its name follow?

    share of the positive values of the map of "a photo of a red star" on the pixels R of a red star:
        in the image where it is             present
        in the counterfactual, on the same R  absent       the star is elsewhere, gone, blue, or a heart

References:
    Lin, Chen, Kim, Lee. Contrastive corpus attribution for explaining representations (COCOA). ICLR 2023.
    Adebayo et al. Sanity checks for saliency maps. NeurIPS 2018 (models that have learned nothing).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.attribution.explain import explain
from splice_exp.attribution.methods import Method
from splice_exp.attribution.removal import Removal
from splice_exp.attribution.targets import Directions
from splice_exp.backbones.base import Backbone
from splice_exp.core.errors import SpliceError, require_integer
from splice_exp.core.measures import Join, Measure, Unit, beside
from splice_exp.core.statistics.intervals import of_group
from splice_exp.core.statistics.permutation import sign_flip_level
from splice_exp.data.base import DataSource, EncodableSource
from splice_exp.data.counterfactuals.pairs import Change, CounterfactualPairs
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import NUM_SAMPLES, Evaluation, Findings, Metric
from splice_exp.evaluation.cocoa.prompts import require_prompt
from splice_exp.evaluation.measures import localization
from splice_exp.evaluation.measures.responses import others_of_group

FOLLOWED = ("shape", "colour", "position", "presence")  # kinds of changes after which a name is true elsewhere, or not
OWN, PARTNER = 0, 1  # maps of each image: of the name of its own changed object, and of that of its counterfactual


def _judged(name: str, heading: str, higher_is_better: bool | None) -> tuple[Measure, ...]:
    measure = Measure(f"counterfactual_maps/{name}", heading, Unit.SHARE, higher_is_better)
    *always, untrained = beside(measure, null=f"{heading}, another pair", untrained=f"{heading}, untrained model")
    return *always, replace(untrained, optional=True)


MEASURES = (
    *_judged("follows", "map follows", True),
    *_judged("present", "energy, object present", None),
    *_judged("absent", "energy, object absent", None),
    Measure("counterfactual_maps/follows_level", "p of following", Unit.MAGNITUDE, False, Join.LARGEST, True),
    Measure("counterfactual_maps/follows_{kind}", "map follows, {kind}", Unit.SHARE, True, optional=True),
    Measure("counterfactual_maps/area", "area of the object", Unit.SHARE),
    NUM_SAMPLES,
)


@dataclass(frozen=True, eq=False)
class Asked:
    """One object that is in one image of a pair, and not so in the other.

    Attributes:
        name: Of the object.
        there: Sample that has it.
        absent: The other sample.
        region: Its pixels in the first, without those that it also has in the other, (h, w) bool.
    """

    name: str
    there: int
    absent: int
    region: np.ndarray


class CounterfactualMaps(Evaluation):
    """Energy of the map of an object on its pixels, in the image that has it and in the counterfactual.

    `follows`: share of the objects whose map has more energy there than in the counterfactual, a half of equal ones;
    a pair asks for both of its objects, unless one is gone. Null: the two maps of another pair of the same kind, on
    these pixels. Maps are of the text of a name against the mean of those of all other names.

    Args:
        method: Makes the maps.
        removal: What takes the place of removed pixels.
        untrained: A model that has learned nothing; None: the comparison is left out.
        prompt: Text of a name, with `{}` in its place.
        permutations: Of the test against the untrained model.
        bootstrap_resamples: For the 95 % intervals, over pairs.
        seed: Of masks, nulls, permutations and the bootstrap.

    Raises:
        SpliceError: naming the key of an argument that is out of bounds.
    """

    measures = MEASURES

    def __init__(
        self,
        method: Method,
        removal: Removal,
        untrained: Backbone | None = None,
        prompt: str = "a photo of a {}",
        permutations: int = 9999,
        bootstrap_resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_prompt(prompt)
        require_integer("permutations", permutations, 1)
        self._method, self._removal, self._untrained = method, removal, untrained
        self._prompt, self._permutations = prompt, permutations

    def require(self, data: DataSource) -> None:
        changes: tuple[Change, ...] = ()
        if isinstance(data, CounterfactualPairs) and isinstance(data, EncodableSource):
            changes = data.changes()
        if not any(one.kind in FOLLOWED for one in changes):
            raise SpliceError(
                "evaluation=counterfactual_maps needs pairs of images in which an object is changed "
                f"({', '.join(FOLLOWED)}), but {data.name} has none: set data=scenes_counterfactuals."
            )

    def evaluate(self, study: Study) -> Findings:
        """Explain both images of all pairs, and compare.

        Raises:
            SpliceError: if the data have no pairs in which an object is changed.
        """
        self.require(study.data)
        data = study.data
        assert isinstance(data, EncodableSource)
        assert isinstance(data, CounterfactualPairs)
        pairs = [one for one in data.changes() if one.kind in FOLLOWED]
        shape = tuple(study.backbone.preprocess(data.inputs(0, 1)).shape[-2:])
        asked = [asked_of(data, one, shape, study.backbone.border) for one in pairs]
        seen = [place for place, questions in enumerate(asked) if questions]  # borders may hide an object
        pairs, asked = [pairs[place] for place in seen], [asked[place] for place in seen]
        kinds = np.array([one.kind for one in pairs])
        maps = self._maps(study, data, study.backbone, asked)
        others = [asked[place] for place in others_of_group(kinds, self._seed)]
        found = compare(maps, asked, asked) | {f"{key}_null": of for key, of in compare(maps, asked, others).items()}
        levels: dict[str, Metric] = {}
        if self._untrained is not None:
            own = compare(self._maps(study, data, self._untrained, asked), asked, asked)
            found |= {f"{name}_untrained": values for name, values in own.items()}
            level = sign_flip_level(found["follows"] - own["follows"], self._permutations, self._seed)
            levels["counterfactual_maps/follows_level"] = level
        for kind in dict.fromkeys(kinds.tolist()):
            found[f"follows_{kind}"] = of_group(found["follows"], kinds == kind)
        samples = {f"counterfactual_maps/{name}": values for name, values in found.items()}
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            **levels,
            "counterfactual_maps/area": float(np.mean([one.region.mean() for of in asked for one in of])),
            "data/num_samples": len(pairs),
        }
        names = data.sample_ids
        return Findings(metrics, [f"{names[one.before]} {names[one.after]}" for one in pairs], samples)

    def _maps(
        self, study: Study, data: EncodableSource, backbone: Backbone, asked: Sequence[Sequence[Asked]]
    ) -> Float[Tensor, "n 2 h w"]:
        """Explain all samples by the name of their own object, and by that of their counterfactual."""
        names = list(dict.fromkeys(one.name for of_pair in asked for one in of_pair))
        texts = backbone.encode_text([self._prompt.replace("{}", name) for name in names]).double()
        contrasted = (len(names) * texts - texts.sum(dim=0)) / max(1, len(names) - 1)  # text − mean of all others
        weights = torch.zeros(len(data), 2, texts.shape[1])
        for one in (one for of_pair in asked for one in of_pair):
            weights[one.there, OWN] = weights[one.absent, PARTNER] = contrasted[names.index(one.name)].float()
        target = Directions(("own", "partner"), weights)
        return explain(data, backbone, self._method, self._removal, target, self._seed, study.cache).maps


def asked_of(data: EncodableSource, pair: Change, shape: tuple[int, ...], border: int) -> list[Asked]:
    """Return the changed object of either image, where there is one whose pixels can be seen.

    Args:
        data: Knows where objects are.
        pair: In which an object is changed.
        shape: Height and width of maps.
        border: Pixels that the backbone cuts off.
    """
    if pair.changed is None:
        return []
    before, after = (list((data.regions(sample) or {}).items()) for sample in (pair.before, pair.after))
    found = []
    for samples, own, other in (
        ((pair.before, pair.after), before, after),
        ((pair.after, pair.before), after, before),
    ):
        if len(own) < len(other):  # it has no such object
            continue
        name, mask = own[pair.changed]
        if pair.kind == "position":
            mask = mask & ~other[pair.changed][1]
        region = localization.fit(mask, shape, border)
        if region.any():
            found.append(Asked(name, *samples, region))
    return found


def compare(
    maps: Float[Tensor, "n 2 h w"], asked: Sequence[Sequence[Asked]], taken: Sequence[Sequence[Asked]]
) -> dict[str, np.ndarray]:
    """Return how much energy maps have on each object where it is, and where it is not; means of each pair.

    Args:
        maps: Of all samples, of their own name and of that of their counterfactual.
        asked: Objects of each pair, whose pixels count.
        taken: Objects of each pair whose maps are looked at.

    Returns:
        `present`, `absent` and `follows`, each (p,).
    """
    found: dict[str, list[float]] = {"follows": [], "present": [], "absent": []}
    for objects, others in zip(asked, taken, strict=True):
        energies = np.array(
            [
                [
                    localization.energy(maps[sample, which].double().numpy(), one.region)
                    for sample, which in ((other.there, OWN), (other.absent, PARTNER))
                ]
                for one, other in ((one, others[place % len(others)]) for place, one in enumerate(objects))
            ]
        )
        found["follows"].append(float((1 + np.sign(energies[:, 0] - energies[:, 1])).mean() / 2))
        found["present"].append(float(energies[:, 0].mean()))
        found["absent"].append(float(energies[:, 1].mean()))
    return {name: np.array(values) for name, values in found.items()}
