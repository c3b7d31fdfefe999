"""Do the pixels that a map ranks first carry the corpus? Insertion and deletion, as in the paper, for one target.

    area under   majority     p_k(x), k: the class that a head finds most often in the corpus
                 similarity   mean cosine with the corpus minus that with the foil; dot: of the representations
                 prediction   p_k(x), k: the class that the head finds in the explicand
                 shift        ‖f(e) − f(x)‖
    against the share of pixels that are in (insertion) or out (deletion)

References:
    Lin, Chen, Kim, Lee. Contrastive corpus attribution for explaining representations (COCOA). ICLR 2023, section 5.
    Hurley, Rickard. Comparing measures of sparsity. IEEE Trans. Information Theory 55, 2009 (Gini index).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from scipy.special import softmax
from torch import Tensor
from torch.nn.functional import normalize

from splice_exp.attribution.corpus import SIMILARITIES
from splice_exp.attribution.curves import all_curves
from splice_exp.attribution.explain import explain, seed_of
from splice_exp.attribution.methods import Method
from splice_exp.attribution.removal import Removal
from splice_exp.attribution.represent import represent_all
from splice_exp.attribution.targets import KINDS, Directions, Questions, target_of
from splice_exp.core.errors import SpliceError, require_bool, require_choice, require_integer
from splice_exp.data.base import DataSource, EncodableSource
from splice_exp.data.selection import Selection
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import Evaluation, Findings, Metric
from splice_exp.evaluation.probes import Probe, as_features, fit_probe
from splice_exp.evaluation.references import References, references_of

CURVES = ("insertion", "deletion")
STRENGTH = (100.0,)  # C of the head


class CocoaInsertionDeletion(Evaluation):
    """Areas under insertion and deletion curves of the maps of one target, and of random maps: the null.

    For every class, explicands of that class, or of others, are explained by a corpus of samples of the class from the
    training data, and a foil (`evaluation.references`). The head is a linear probe on normalised representations of the
    training data.

    Args:
        method: Makes the maps.
        removal: What takes the place of removed pixels, for explaining and for judging.
        train: Where corpora and foils come from.
        kind: What is explained: `label_free`, `contrastive_label_free`, `corpus` or `contrastive_corpus` (COCOA).
        similarity: Of the target: `cosine` or `dot`.
        same_class: Whether explicands are of the class of the corpus, or of another one.
        per_class: Explicands of each class.
        corpus_size: Samples.
        foil_size: Samples.
        held_out: Whether similarity is judged by another corpus and foil than those that explain.
        steps: Of the curves.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of explicands, corpora, foils, masks and the bootstrap.
    """

    def __init__(
        self,
        method: Method,
        removal: Removal,
        train: DataSource,
        kind: str = "contrastive_corpus",
        similarity: str = "cosine",
        same_class: bool = True,
        per_class: int = 2,
        corpus_size: int = 100,
        foil_size: int = 1500,
        held_out: bool = True,
        steps: int = 50,
        bootstrap_resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_choice("evaluation.kind", kind, KINDS)
        require_choice("evaluation.similarity", similarity, SIMILARITIES)
        require_bool("evaluation.same_class", same_class)
        require_bool("evaluation.held_out", held_out)
        for name, value in (("per_class", per_class), ("corpus_size", corpus_size), ("foil_size", foil_size)):
            require_integer(f"evaluation.{name}", value, 1)
        require_integer("evaluation.steps", steps, 1)
        self._method, self._removal, self._train = method, removal, train
        self._kind, self._similarity, self._same_class, self._per_class = kind, similarity, same_class, per_class
        self._corpus_size, self._foil_size, self._held_out, self._steps = corpus_size, foil_size, held_out, steps

    def evaluate(self, study: Study) -> Findings:
        """Explain, put pixels in and out, and judge.

        Raises:
            SpliceError: if data are no images with two classes or more, or have too few samples.
        """
        data, train = (_images(one) for one in (study.data, self._train))
        backbone, cache = study.backbone, study.cache
        known = represent_all(train, backbone, cache)
        assert train.labels is not None
        head = fit_probe(as_features(normalize(known, dim=1)), train.labels.numpy(), self._seed, STRENGTH)
        explicands, of_class = self._explicands(data)
        sizes = (self._corpus_size, self._foil_size)
        labels = range(len(data.classes))
        drawn = [references_of(train, known, label, sizes, self._held_out, self._seed) for label in labels]
        own = represent_all(explicands, backbone, cache)
        questions = self._questions(own, of_class, drawn)
        found = explain(explicands, backbone, self._method, self._removal, questions, self._seed, cache)
        maps = found.maps[:, questions.names.index(f"{self._kind} {self._similarity}")].contiguous()
        noise = [
            torch.randn(maps.shape[1:], generator=torch.Generator().manual_seed(seed_of(self._seed, name)))
            for name in explicands.sample_ids
        ]
        samples = {"cocoa/gini": np.array([gini(scores) for scores in maps.numpy()])}
        for suffix, judged in (("", maps), ("_null", torch.stack(noise))):
            paths = all_curves(explicands, backbone, self._removal, judged, self._steps, cache)
            for name, path in zip(CURVES, paths, strict=True):
                for measure, values in self._measures(path, own, of_class, drawn, head).items():
                    samples[f"cocoa/{name}_{measure}{suffix}"] = np.trapezoid(values, dx=1 / self._steps, axis=1)
        reliability = found.reliability[:, questions.names.index(f"{self._kind} {self._similarity}")].numpy()
        if not np.isnan(reliability).any():
            samples["cocoa/reliability"] = reliability
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            "cocoa/corpus_error": float(np.mean([one.explains[0].standard_error for one in drawn])),
            "cocoa/foil_error": float(np.mean([one.explains[1].standard_error for one in drawn])),
            "cocoa/head_gradient_max": head.gradient,
            "data/num_samples": len(explicands),
        }
        return Findings(metrics, explicands.sample_ids, samples)

    def _explicands(self, data: EncodableSource) -> tuple[Selection, np.ndarray]:
        """Draw explicands for every class; return them, and the class of the corpus of each."""
        assert data.labels is not None
        labels = data.labels.numpy()
        places, ids, of_class = [], [], []
        for label, name in enumerate(data.classes):
            random = np.random.default_rng([self._seed, label])
            eligible = np.flatnonzero((labels == label) == self._same_class)
            if len(eligible) < self._per_class:
                raise SpliceError(
                    f"evaluation.per_class is {self._per_class}, but {data.name} has {len(eligible)} samples "
                    f"{'of' if self._same_class else 'outside'} the class {name!r}: lower it, or take more samples."
                )
            chosen = random.permutation(eligible)[: self._per_class].tolist()
            places += chosen
            ids += [f"{name}/{data.sample_ids[place]}" for place in chosen]
            of_class += [label] * len(chosen)
        return Selection(data, places, ids), np.array(of_class)

    def _questions(self, own: Float[Tensor, "n d"], of_class: np.ndarray, drawn: Sequence[References]) -> Questions:
        """Ask for all targets and similarities at once: what one run has explained, the others find."""
        directions = []
        for kind in KINDS:
            for similarity in SIMILARITIES:
                rows = [
                    target_of(kind, similarity, one[None], *drawn[label].explains).weights.reshape(1, -1)
                    for one, label in zip(own, of_class.tolist(), strict=True)
                ]
                directions.append(Directions((f"{kind} {similarity}",), torch.stack(rows), similarity))
        return Questions(directions)

    def _measures(
        self, path: Float[Tensor, "n s d"], own: Tensor, of_class: np.ndarray, drawn: Sequence[References], head: Probe
    ) -> dict[str, np.ndarray]:
        """Return every measure along the curves, (n, s)."""
        chances = chances_of(head, path)
        majority = np.array([majority_class(head, one.members) for one in drawn])[of_class]
        predicted = chances_of(head, own[:, None])[:, 0].argmax(axis=1)
        rows = np.arange(len(path))
        found = {
            "majority": chances[rows, :, majority],
            "prediction": chances[rows, :, predicted],
            "shift": (path - own[:, None]).norm(dim=2).numpy(),
        }
        for name, similarity in (("similarity", "cosine"), ("similarity_dot", "dot")):
            directions = torch.stack(
                [corpus.mean(similarity) - foil.mean(similarity) for corpus, foil in (one.judges for one in drawn)]
            )[torch.from_numpy(of_class)]
            seen = normalize(path, dim=2) if similarity == "cosine" else path
            found[name] = torch.einsum("nsd,nd->ns", seen, directions).numpy()
        return found


def chances_of(head: Probe, representations: Float[Tensor, "n s d"]) -> np.ndarray:
    """Return the probabilities that a head gives to its classes, (n, s, c)."""
    features = as_features(normalize(representations, dim=2).flatten(0, 1))
    scores = features @ head.weights.T + head.intercept
    return softmax(scores, axis=1).reshape(*representations.shape[:2], -1)


def majority_class(head: Probe, members: Float[Tensor, "m d"]) -> int:
    """Return the place of the class that a head finds most often in a corpus; of equally frequent ones the first."""
    return int(np.bincount(chances_of(head, members[:, None])[:, 0].argmax(axis=1)).argmax())


def gini(scores: np.ndarray) -> float:
    """Return the Gini index of the absolute values: 0 where all are equal, near 1 where a few have all.

    G = 2 Σ_i i a_(i) / (P Σ a) − (P + 1) / P      a_(i) ascending, i = 1 … P
    """
    ordered = np.sort(np.abs(scores).ravel())
    number, total = len(ordered), ordered.sum()
    if total == 0:
        return 0.0
    return float(2 * (np.arange(1, number + 1) * ordered).sum() / (number * total) - (number + 1) / number)


def _images(data: DataSource) -> EncodableSource:
    """Return data of images with classes.

    Raises:
        SpliceError: for any other.
    """
    if not isinstance(data, EncodableSource) or data.labels is None or len(data.classes) < 2:
        raise SpliceError(
            f"evaluation=cocoa_insertion_deletion needs images of two or more classes, which {data.name} is not: set "
            "data=scenes_single, or any other with classes."
        )
    return data
