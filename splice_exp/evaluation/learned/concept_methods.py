"""Every way to find concepts in CLIP on one table: what codes keep, how sparse they are, and what they recover.

All dictionaries are judged by the codes of the same certified solver, so that only their atoms differ; atoms without
names are matched with the true concepts on a half of the samples, and judged on the other half. Pairs of images that
differ in one thing say how selective atoms are: of the change of codes, how much is of what was changed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import train_test_split

from splice_exp.core.errors import SpliceError
from splice_exp.core.keys import key_of
from splice_exp.core.measures import Measure, Unit, beside
from splice_exp.core.truth import GroundTruth
from splice_exp.data.base import DataSource
from splice_exp.data.counterfactuals.pairs import CounterfactualPairs
from splice_exp.decomposition.study import Study
from splice_exp.dictionaries.controls import has_names
from splice_exp.dictionaries.learned.naming import WAYS, agreement, name_atoms
from splice_exp.evaluation.base import (
    CERTIFICATES,
    COSINES,
    L0,
    NUM_SAMPLES,
    Evaluation,
    Findings,
    Metric,
    certificates,
    fit_of_samples,
)
from splice_exp.evaluation.learned.pair_responses import respond_to
from splice_exp.evaluation.measures.atoms import coherence, recurrence, rotated
from splice_exp.evaluation.measures.functional import classified_within
from splice_exp.evaluation.measures.matching import Matched, ceiling, concepts_in, match
from splice_exp.evaluation.measures.meanings import matched_meanings
from splice_exp.evaluation.measures.probes import as_features, code_features, fit_probe

DENSE = 0.1  # share of samples in which an atom is active that is no sparse concept
PROBED = 4  # samples of a class, at least: two to learn from, two to be judged by

MEASURES = (
    Measure("methods/unexplained", "unexplained", Unit.SHARE, False),
    *beside(
        Measure("methods/top1", "top-1", Unit.SHARE, True, optional=True),
        dense="dense top-1",
        null="permuted-label top-1",
    ),
    *beside(
        Measure("methods/matched_f1", "F1 of matched atoms", Unit.SHARE, True, optional=True),
        null="F1 of matched atoms, permuted truth",
    ),
    *beside(
        Measure("methods/coalition_f1", "F1 of coalitions", Unit.SHARE, True, optional=True),
        null="F1 of coalitions, permuted truth",
        ceiling="F1 of a supervised regression",
    ),
    Measure("methods/coalition_size", "atoms of a coalition", Unit.AVERAGE, optional=True),
    *beside(
        Measure("methods/named", "matched atoms with the right name", Unit.SHARE, True, optional=True),
        null="right names, shuffled",
    ),
    *beside(
        Measure("methods/probe", "probe on codes", Unit.SHARE, True, optional=True),
        dense="probe on embeddings",
        null="probe on codes, permuted labels",
    ),
    *beside(
        Measure("methods/recurrence", "recurrence of atoms by another seed", Unit.COSINE, True),
        null="recurrence in rotated atoms",
    ),
    *beside(
        Measure("methods/agreement", "agreement of three names", Unit.SHARE, True, optional=True),
        null="agreement of three names, shuffled",
    ),
    *beside(
        Measure("methods/direction", "right direction", Unit.SHARE, True, optional=True),
        null="right direction, another pair",
    ),
    *beside(
        Measure("methods/selectivity", "selectivity", Unit.SHARE, True, optional=True),
        null="selectivity, another pair",
    ),
    Measure("methods/coherence", "coherence of atoms", Unit.COSINE, False),
    Measure("methods/dead", "atoms never used", Unit.SHARE, False),
    Measure("methods/dense", "atoms in over a tenth of samples", Unit.SHARE, False),
    Measure("methods/num_atoms", "number of atoms", Unit.COUNT),
    Measure("methods/num_concepts", "matched concepts", Unit.COUNT, optional=True),
    L0,
    *COSINES,
    *CERTIFICATES,
    NUM_SAMPLES,
)


class ConceptMethods(Evaluation):
    """Fidelity, accuracy, names, and recovery of the true concepts, whatever the atoms are made of.

    `unexplained`: ‖x − w D‖² of centred unit rows. `top1`: zero-shot accuracy of reconstructions. `matched_f1`: mean
    over concepts of the F1 of the atom that a one-to-one matching gave it; `coalition_f1`: of up to five atoms. Nulls
    match and judge against the truth of other samples. `named`: of the matched atoms, those whose name, or the nearest
    text of the vocabulary, is the concept. `agreement`: of the unnamed atoms in use, those that get the same name by
    text, by correlation and by decomposition. `probe`: accuracy of a linear probe on codes, where classes have four
    samples or more. `recurrence`: mean largest cosine with the atoms of another seed, beside those turned at random;
    `coherence`: with another atom. `direction`, `selectivity`: of pairs, as in `Counterfactuals`; all atoms, those with
    names too, are about the concept that their codes go with in the samples, so that no method has an advantage.

    Args:
        pairs: Images that differ in one thing, two by two; None: selectivity is not measured, nor without a truth.
        bootstrap_resamples: For the 95 % intervals, over samples.
        seed: Of halves, permutations and the bootstrap.

    Raises:
        SpliceError: if there are no such pairs in `pairs`.
    """

    measures = MEASURES

    def __init__(self, pairs: DataSource | None = None, bootstrap_resamples: int = 1000, seed: int = 0) -> None:
        super().__init__(bootstrap_resamples, seed)
        if pairs is not None and not isinstance(pairs, CounterfactualPairs):
            raise SpliceError(
                f"{key_of('pairs', self)} is {pairs.name}, but must be pairs of images that differ in one thing: set "
                f"data@{key_of('pairs', self)}=scenes_counterfactuals."
            )
        self._pairs = pairs

    def evaluate(self, study: Study) -> Findings:
        """Measure everything that the data allow."""
        decomposition, atoms = study.decomposition, study.dictionary.atoms.double()
        targets, codes = study.targets, decomposition.codes
        used = np.bincount(codes.indices.numpy(), minlength=len(atoms)) / len(codes)
        left = (targets.double() - codes @ atoms).square().sum(dim=1)
        samples = {**fit_of_samples(study), "methods/unexplained": left.numpy()}
        metrics: dict[str, Metric] = {}
        labels, classes = study.embeddings.labels, study.known.class_features
        if labels is not None and classes is not None:
            others = labels[torch.from_numpy(self._permutation(len(labels)))]
            reconstructions = decomposition.reconstruct()
            for suffix, features, truth in (
                ("", reconstructions, labels),
                ("_dense", study.embeddings.features, labels),
                ("_null", reconstructions, others),
            ):
                right = classified_within(features, classes, truth, 1)
                samples[f"methods/top1{suffix}"] = right.double().numpy()
            metrics |= self._probed(study, labels.numpy())
        tables: dict[str, pd.DataFrame] = {}
        if study.truth is not None:
            found, tables = self._matched(study, targets.double().numpy())
            metrics |= found | self._responses(study, study.truth)
        metrics |= {
            **self._summarised(samples),
            **certificates(decomposition),
            **self._agreement(study, np.flatnonzero(used)),
            "methods/dead": float((used == 0).mean()),
            "methods/dense": float((used > DENSE).mean()),
            "methods/num_atoms": len(atoms),
            "methods/coherence": coherence(study.dictionary.atoms),
            "methods/recurrence": recurrence(study.dictionary.atoms, study.redrawn.atoms),
            "methods/recurrence_null": recurrence(study.dictionary.atoms, rotated(study.redrawn.atoms, self._seed)),
            "data/num_samples": len(codes),
        }
        return Findings(metrics, study.embeddings.sample_ids, samples, tables)

    def _matched(self, study: Study, targets: np.ndarray) -> tuple[dict[str, Metric], dict[str, pd.DataFrame]]:
        """Match atoms with concepts, and with those of other samples."""
        assert study.truth is not None
        codes, order = study.decomposition.codes, self._permutation(len(targets))
        fitted = np.zeros(len(targets), dtype=bool)
        fitted[order[: len(order) // 2]] = True
        concepts, there = concepts_in(study.truth, fitted)
        if not concepts:
            return {}, {}
        found = match(codes, there, concepts, fitted)
        null = match(codes, there[np.roll(order, 1)][np.argsort(order)], concepts, fitted)
        best = ceiling(targets, there, fitted)
        atoms = [study.dictionary.concepts[atom] if atom >= 0 else "" for atom in found.atoms]
        named, shuffled = self._named(study, found)
        table = pd.DataFrame(
            {
                "concept": concepts,
                "kind": [study.truth.kind_of[concept] for concept in concepts],
                "atom": atoms,
                "name": named,
                "F1": found.one_to_one,
                "F1 of a coalition": found.coalition,
                "atoms of the coalition": found.sizes,
                "F1 of a supervised regression": best,
            }
        )
        metrics: dict[str, Metric] = {
            "methods/matched_f1": float(found.one_to_one.mean()),
            "methods/matched_f1_null": float(null.one_to_one.mean()),
            "methods/coalition_f1": float(found.coalition.mean()),
            "methods/coalition_f1_null": float(null.coalition.mean()),
            "methods/coalition_f1_ceiling": float(best.mean()),
            "methods/coalition_size": float(found.sizes.mean()),
            "methods/num_concepts": len(concepts),
            "methods/named": _right(named, concepts, study.truth),
            "methods/named_null": _right(shuffled, concepts, study.truth),
        }
        return metrics, {"concepts": table}

    def _responses(self, study: Study, truth: GroundTruth) -> dict[str, Metric]:
        """Return direction and selectivity of the codes of pairs, where there are any."""
        if self._pairs is None:
            return {}
        there = study.with_data(self._pairs)
        assert isinstance(self._pairs, CounterfactualPairs)
        assert there.truth is not None, "what is changed is known"
        changes = self._pairs.changes_among(there.places)
        meanings = matched_meanings(study.decomposition.codes, truth)
        responded = respond_to(there, there.truth, changes, meanings, self._seed)
        return self._summarised(
            {
                f"methods/{name}{suffix}": values[name]
                for suffix, values in (("", responded.own), ("_null", responded.null))
                for name in ("direction", "selectivity")
            }
        )

    def _named(self, study: Study, found: Matched) -> tuple[list[str], list[str]]:
        """Return the names of the matched atoms, and names dealt to atoms in another order.

        The name of an atom is its own, or where it has none that of the nearest text of the vocabulary.
        """
        dictionary, texts = study.dictionary, study.texts
        if has_names(dictionary):
            names = list(dictionary.concepts)
        else:
            names = [texts.concepts[nearest] for nearest in (dictionary.atoms @ texts.atoms.T).argmax(dim=1).tolist()]
        order = self._permutation(len(names))
        return (
            [names[atom] if atom >= 0 else "" for atom in found.atoms],
            [names[order[atom]] if atom >= 0 else "" for atom in found.atoms],
        )

    def _agreement(self, study: Study, active: np.ndarray) -> dict[str, Metric]:
        """Return how often three ways to name an atom agree, where atoms have no names of their own."""
        if has_names(study.dictionary) or not len(active):
            return {}
        codes, targets = study.decomposition.codes, study.targets
        chosen = name_atoms(study.dictionary.atoms, study.texts, study.solver, codes, targets).chosen
        first, *others = (chosen[way][torch.from_numpy(active)] for way in WAYS)
        shuffled = first[torch.from_numpy(self._permutation(len(active)))]
        return {
            "methods/agreement": float(agreement([first, *others]).double().mean()),
            "methods/agreement_null": float(agreement([shuffled, *others]).double().mean()),
        }

    def _probed(self, study: Study, labels: np.ndarray) -> dict[str, Metric]:
        """Return the accuracies of linear probes, trained on a half of the samples and tested on the other."""
        counts = np.unique(labels, return_counts=True)[1]
        if len(counts) < 2 or counts.min() < PROBED:
            return {}
        rows, tested = train_test_split(np.arange(len(labels)), test_size=0.5, random_state=self._seed, stratify=labels)
        codes, dense = code_features(study.decomposition.codes), as_features(study.embeddings.features)
        others = labels[rows][self._permutation(len(rows))]
        return {
            f"methods/probe{suffix}": float(
                (fit_probe(features[rows], answers, self._seed).predict(features[tested]) == labels[tested]).mean()
            )
            for suffix, features, answers in (
                ("", codes, labels[rows]),
                ("_dense", dense, labels[rows]),
                ("_null", codes, others),
            )
        }


def _right(names: Sequence[str], concepts: Sequence[str], truth: GroundTruth) -> float:
    """Return the share of concepts that the name beside them names."""
    return float(np.mean([concept in truth.named(name) for name, concept in zip(names, concepts, strict=True)]))
