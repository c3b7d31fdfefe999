"""The task of the paper's tables: explicands of every class, a corpus and a foil for each, a head, and the measures.

    majority     p_k(x), k: the class that a head finds most often in the corpus
    similarity   mean cosine with the corpus minus that with the foil; dot: of the representations
    prediction   p_k(x), k: the class that the head finds in the explicand
    shift        ‖f(e) − f(x)‖

References:
    Lin, Chen, Kim, Lee. Contrastive corpus attribution for explaining representations (COCOA). ICLR 2023, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from splice_exp.attribution.corpus import SIMILARITIES
from splice_exp.attribution.curves import all_curves
from splice_exp.attribution.removal import Removal
from splice_exp.attribution.represent import represent_all
from splice_exp.attribution.targets import DISTANCE, KINDS, CorpusDistance, Directions, Together, target_of
from splice_exp.backbones.base import Backbone
from splice_exp.core.errors import SpliceError, require_bool, require_choice, require_integer, require_names
from splice_exp.core.io import seed_of
from splice_exp.core.keys import key_of, set_place
from splice_exp.core.measures import Measure, Unit, beside
from splice_exp.data.base import DataSource, EncodableSource
from splice_exp.data.selection import Selection
from splice_exp.distributed.cache import Cache
from splice_exp.evaluation.cocoa.linear_head import HEADS, Head, fitted_head, own_head
from splice_exp.evaluation.cocoa.references import References, draw_places, references_of
from splice_exp.evaluation.measures.metrics import CurveArea

CURVES = ("insertion", "deletion")


def area_measures(family: str, **others: str) -> tuple[Measure, ...]:
    """Declare the areas of `Prepared.areas`, each beside those of other maps.

    Args:
        family: First part of their names.
        others: End of a name → whose maps they are.
    """
    said = {
        "majority": "probability of the majority class",
        "similarity": "similarity",
        "similarity_dot": "dot-product similarity",
        "prediction": "probability of the predicted class",
        "shift": "shift",
    }
    return tuple(
        one
        for curve in CURVES
        for name, words in said.items()
        for one in beside(
            Measure(
                f"{family}/{curve}_{name}",
                f"{curve}, {words}",
                Unit.NUMBER,
                (curve == "insertion") != (name == "shift"),
            ),
            **{end: f"{curve}, {words}, {maps}" for end, maps in others.items()},
        )
    )


@dataclass(frozen=True)
class CorpusTask:
    """How explicands, corpora and foils are sampled.

    Args:
        train: Where corpora and foils come from.
        same_class: Whether explicands are of the class of the corpus, or of another one.
        per_class: Explicands of each class.
        corpus_size: Samples.
        foil_size: Samples.
        held_out: Whether similarity is judged by another corpus and foil than those that explain.
        seed: Of all sampling.
        classes: Those of corpora and explicands; None: all. Foils have all classes in any case.
        head: `probe`, fitted on the training data, or `own`, the last layer of the network.
    """

    train: DataSource
    same_class: bool = True
    per_class: int = 2
    corpus_size: int = 100
    foil_size: int = 1500
    held_out: bool = True
    seed: int = 0
    classes: Sequence[str] | None = None
    head: str = "probe"

    def __post_init__(self) -> None:
        set_place(self)
        require_bool("same_class", self.same_class)
        require_bool("held_out", self.held_out)
        for name in ("per_class", "corpus_size", "foil_size"):
            require_integer(name, getattr(self, name), 1)
        require_choice("head", self.head, HEADS)
        if self.classes is not None:
            require_names("classes", self.classes)

    def prepare(self, data: DataSource, backbone: Backbone, cache: Cache) -> Prepared:
        """Draw, and represent everything that is needed.

        Args:
            data: From which explicands are sampled.
            backbone: Represents explicands and training data.
            cache: Where representations are kept.

        Returns:
            Explicands, corpus and foil of each class, head, and representations.

        Raises:
            SpliceError: if data are no images with the same two classes or more, or have too few samples.
        """
        pictures, train = images_of(data), images_of(self.train)
        if train.classes != pictures.classes:
            raise SpliceError(
                f"{key_of('train', self)} is {train.name}, whose classes are not those of {pictures.name}: take "
                "another part "
                "of the same data set."
            )
        used = self._used(pictures)
        explicands, of_class = self._explicands(pictures, used)
        sizes = (self.corpus_size, self.foil_size)
        places = {label: draw_places(train, label, sizes, self.held_out, self.seed, of=self) for label in used}
        if self.head == "own":
            head = own_head(backbone, train, of=self)
            rows = np.unique(np.concatenate([row for one in places.values() for row in one.all]))
            known = represent_all(Selection(train, rows.tolist()), backbone, cache)
        else:
            rows, known = np.arange(len(train)), represent_all(train, backbone, cache)
            head = fitted_head(train, known, self.seed)
        drawn = {label: references_of(train.classes[label], one, rows, known) for label, one in places.items()}
        return Prepared(explicands, of_class, drawn, head, represent_all(explicands, backbone, cache))

    def require(self, data: DataSource) -> None:
        """Refuse classes that the data do not have.

        Raises:
            SpliceError: naming the first of them.
        """
        for name in self.classes or ():
            data.class_named(name, of=self)

    def _used(self, data: EncodableSource) -> list[int]:
        """Return the labels of the classes of corpora and explicands."""
        wanted = data.classes if self.classes is None else [data.class_named(name, of=self) for name in self.classes]
        return [label for label, name in enumerate(data.classes) if name in wanted]

    def _explicands(self, data: EncodableSource, used: Sequence[int]) -> tuple[Selection, np.ndarray]:
        """Draw explicands for every class; return them, and the class of the corpus of each."""
        assert data.labels is not None
        labels = data.labels.numpy()
        places, ids, of_class = [], [], []
        for label in used:
            name = data.classes[label]
            random = np.random.default_rng([self.seed, label])
            own = np.isin(labels, [place for place, other in enumerate(data.classes) if other == name])
            eligible = np.flatnonzero(own if self.same_class else np.isin(labels, used) & ~own)
            if len(eligible) < self.per_class:
                raise SpliceError(
                    f"{key_of('per_class', self)} is {self.per_class}, but {data.name} has {len(eligible)} samples "
                    f"{'of' if self.same_class else 'outside'} the class {name!r}: lower it, or take more samples."
                )
            chosen = random.permutation(eligible)[: self.per_class].tolist()
            places += chosen
            called = name if data.classes.count(name) == 1 else f"{name} ({label})"
            ids += [f"{called}/{data.sample_ids[place]}" for place in chosen]
            of_class += [label] * len(chosen)
        return Selection(data, places, ids), np.array(of_class)


@dataclass(frozen=True, eq=False)
class Prepared:
    """The sampled explicands, corpora and foils.

    Attributes:
        explicands: n images.
        of_class: Class of the corpus of each, (n,).
        drawn: Class of a corpus → corpus and foil.
        head: Finds the class of a representation.
        own: Representations of the explicands, (n, d).
    """

    explicands: Selection
    of_class: np.ndarray
    drawn: Mapping[int, References]
    head: Head
    own: Float[Tensor, "n d"]

    def questions(self) -> Together:
        """Ask for all targets and similarities at once: what one run has explained, the others find."""
        directions = []
        for kind in KINDS:
            for similarity in SIMILARITIES:
                rows = [
                    target_of(kind, similarity, one[None], *self.drawn[label].explains).weights.reshape(1, -1)
                    for one, label in zip(self.own, self.of_class.tolist(), strict=True)
                ]
                directions.append(Directions((target_name(kind, similarity),), torch.stack(rows), similarity))
        return Together(directions)

    def distance(self) -> CorpusDistance:
        """Ask for the nearness to the corpus."""
        return CorpusDistance(DISTANCE, [self.drawn[label].members for label in self.of_class.tolist()])

    def noise(self, shape: Sequence[int], seed: int) -> Float[Tensor, "n r q"]:
        """Return maps that know nothing of any image, one per explicand: the null of every area.

        Args:
            shape: Of each map.
            seed: Of all; every explicand has its own seed, from this one and its name.
        """
        names = self.explicands.sample_ids
        draws = [torch.Generator().manual_seed(seed_of(seed, name)) for name in names]
        return torch.stack([torch.randn(*shape, generator=one) for one in draws])

    def measures(self, path: Float[Tensor, "n s d"]) -> dict[str, Float[Tensor, "n s"]]:
        """Return every measure of representations of the explicands with some pixels removed, (n, s)."""
        chances = self.head.chances(path)
        found_in = {label: self.head.majority(one.members) for label, one in self.drawn.items()}
        majority = np.array([found_in[label] for label in self.of_class.tolist()])
        predicted = self.head.chances(self.own).argmax(axis=1)
        rows = np.arange(len(path))
        found = {
            "majority": torch.from_numpy(chances[rows, :, majority]),
            "prediction": torch.from_numpy(chances[rows, :, predicted]),
            "shift": (path - self.own[:, None]).norm(dim=2),
        }
        for name, similarity in (("similarity", "cosine"), ("similarity_dot", "dot")):
            pairs = (self.drawn[label].judges for label in self.of_class.tolist())
            directions = torch.stack([corpus.mean(similarity) - foil.mean(similarity) for corpus, foil in pairs])
            seen = normalize(path, dim=2) if similarity == "cosine" else path
            found[name] = torch.einsum("nsd,nd->ns", seen, directions)
        return found

    def areas(
        self, backbone: Backbone, removal: Removal, maps: Float[Tensor, "n r q"], steps: int, cache: Cache
    ) -> dict[str, np.ndarray]:
        """Return the areas under the curves of all measures, `insertion_…` and `deletion_…`, (n,) each.

        Args:
            backbone: Represents explicands without some of their pixels.
            removal: What takes the place of these.
            maps: One for each explicand, in their order: of its pixels, or of its squares.
            steps: In which all pixels go in, or out.
            cache: Where representations along the curves are kept.
        """
        paths = all_curves(self.explicands, backbone, removal, maps, steps, cache)
        found = {}
        for name, path in zip(CURVES, paths, strict=True):
            for measure, values in self.measures(path).items():
                area = CurveArea()
                area.update(values)
                found[f"{name}_{measure}"] = area.per_sample().numpy()
        return found


def target_name(kind: str, similarity: str) -> str:
    """Return what a target is called in `Prepared.questions`.

    Args:
        kind: One of `attribution.targets.KINDS`.
        similarity: `cosine` or `dot`.
    """
    return f"{kind} {similarity}"


def images_of(data: DataSource) -> EncodableSource:
    """Return data of images with classes.

    Raises:
        SpliceError: for any other.
    """
    if not isinstance(data, EncodableSource) or data.labels is None or len(data.classes) < 2:
        raise SpliceError(
            f"Pixels are explained, and corpora are samples of classes, but {data.name} lacks images or classes: set "
            "data=scenes_single, or any other images with classes."
        )
    return data
