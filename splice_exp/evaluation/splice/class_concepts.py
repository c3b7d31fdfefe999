"""What the dictionary says that each class is made of: its mean codes, the largest first.

    w̄_c = mean of w over the samples of class c

References:
    Bhalla et al. Interpreting CLIP with sparse linear concept embeddings (SpLiCE). NeurIPS 2024, figures 4 and 10.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from splice_exp.core.errors import SpliceError, require_integer
from splice_exp.core.measures import Measure, Unit, beside
from splice_exp.core.names import canonical
from splice_exp.core.truth import GroundTruth
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import CERTIFICATES, L0, NUM_SAMPLES, Evaluation, Findings, Metric, certificates


def _of_classes(name: str, heading: str, optional: bool = False) -> tuple[Measure, ...]:
    """Declare a measure of the largest concepts of a class, beside those of its null and its baselines."""
    return beside(
        Measure(f"class_concepts/{name}", heading, Unit.SHARE, True, optional=optional),
        null=f"{heading}, another class",
        dense=f"{heading}, dense",
        mean_only=f"{heading}, mean baseline",
    )


MEASURES = (
    *_of_classes("named", "largest concept names the class"),
    *_of_classes("named_in_top", "a top concept names the class"),
    *_of_classes("true", "true of its samples", optional=True),
    Measure("class_concepts/num_classes", "classes", Unit.COUNT),
    L0,
    *CERTIFICATES,
    NUM_SAMPLES,
)


class ClassConcepts(Evaluation):
    """Whether the largest mean codes of a class name it, and whether they are true of its samples.

    `named`: the largest one names the class, alone or with other words; `named_in_top`: one of the largest does;
    `true`: the share of the samples of the class of which a concept is true, mean over its largest concepts (where that
    is known). The null looks at the largest concepts of another class. Baselines: the atoms with the largest mean
    cosines with the centred embeddings of the class (dense), or with the image mean (mean baseline). Intervals are over
    classes.

    Args:
        top_k: Largest mean codes looked at.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of the null and the bootstrap.
    """

    measures = MEASURES

    def __init__(self, top_k: int = 7, bootstrap_resamples: int = 1000, seed: int = 0) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_integer("top_k", top_k, 1)
        self._top_k = top_k

    def evaluate(self, study: Study) -> Findings:
        """Average the codes of each class.

        Raises:
            SpliceError: if there are no labels, or fewer than two classes.
        """
        embeddings, codes = study.embeddings, study.decomposition.codes
        if embeddings.labels is None or len(embeddings.classes) < 2:
            raise SpliceError(
                f"evaluation=class_concepts needs samples of two or more classes, but {study.data.name} has "
                f"{'no labels' if embeddings.labels is None else 'one class'}: take another data set."
            )
        means = codes.mean_by(embeddings.labels, len(embeddings.classes)).double()
        present = torch.unique(embeddings.labels)
        largest = means[present].argsort(dim=1, descending=True, stable=True)[:, : self._top_k]
        largest[means[present].gather(1, largest) <= 0] = -1  # fewer are active
        others = torch.from_numpy(np.roll(np.arange(len(present)), 1 + self._seed % (len(present) - 1)))
        targets, labels = study.targets.double(), embeddings.labels
        of_class = torch.stack([targets[labels == label].mean(dim=0) for label in present])
        atoms = study.dictionary.atoms.double()
        nearest = (of_class @ atoms.T).argsort(dim=1, descending=True, stable=True)[:, : self._top_k]
        of_mean = (study.image_mean.double() @ atoms.T).argsort(descending=True, stable=True)[: self._top_k]
        looked_at = {
            "": largest,
            "_null": largest[others],
            "_dense": nearest,
            "_mean_only": of_mean.expand(len(present), -1),
        }
        samples: dict[str, np.ndarray] = {}
        names = [embeddings.classes[label] for label in present.tolist()]
        for suffix, chosen in looked_at.items():
            named = np.array(
                [
                    [concept >= 0 and names_class(codes.concepts[concept], name, study.truth) for concept in concepts]
                    for name, concepts in zip(names, chosen.tolist(), strict=True)
                ]
            )
            samples[f"class_concepts/named{suffix}"] = named[:, 0].astype(float)
            samples[f"class_concepts/named_in_top{suffix}"] = named.any(axis=1).astype(float)
            if study.truth is not None:
                shares = prevalence(study.truth, codes.concepts, labels.numpy(), present.numpy(), chosen)
                samples[f"class_concepts/true{suffix}"] = _mean_of_named(shares, chosen)
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            **certificates(study.decomposition),
            "l0/mean": float(codes.l0().double().mean()),
            "class_concepts/num_classes": len(present),
            "data/num_samples": len(embeddings),
        }
        table = pd.DataFrame(
            [
                (name, rank + 1, codes.concepts[concept], float(means[label, concept]))
                for name, label, concepts in zip(names, present.tolist(), largest.tolist(), strict=True)
                for rank, concept in enumerate(concepts)
                if concept >= 0
            ],
            columns=["class", "rank", "concept", "code"],
        )
        return Findings(metrics, names, samples, {"concepts": table})


def names_class(concept: str, name: str, truth: GroundTruth | None) -> bool:
    """Say whether a concept names a class: the same words occur in it or, where that is known, synonyms of them.

    Args:
        concept: Of the dictionary.
        name: Of the class.
        truth: Knows synonyms; None: only the words themselves count.
    """
    if truth is not None and truth.named(name) <= truth.named(concept):
        return True
    return f" {canonical(name)} " in f" {canonical(concept)} "


def prevalence(
    truth: GroundTruth, concepts: tuple[str, ...], labels: np.ndarray, classes: np.ndarray, chosen: torch.Tensor
) -> np.ndarray:
    """Return the share of the samples of each class of which each chosen concept is true, (c, m); 0 for none (−1).

    Args:
        truth: Of n samples.
        concepts: Names of all atoms.
        labels: Class of each sample, (n,).
        classes: The c classes that are looked at, as in `labels`.
        chosen: Atoms of each of them, (c, m); −1 is none.
    """
    shares = np.zeros(chosen.shape)
    for row, label in enumerate(classes):
        members = np.flatnonzero(labels == label)
        for place, concept in enumerate(chosen[row].tolist()):
            if concept >= 0:
                named = truth.named(concepts[concept])
                shares[row, place] = np.mean([truth.holds(named, sample) for sample in members.tolist()])
    return shares


def _mean_of_named(shares: np.ndarray, chosen: torch.Tensor) -> np.ndarray:
    there = (chosen >= 0).numpy()
    return (shares * there).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
