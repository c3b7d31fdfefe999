"""What a linear probe still finds in reconstructions and in codes: accuracy on held-out samples, against dense CLIP.

    probe on              trained on          tested on
    dense                 z                   z
    dense_transferred     z                   ẑ
    reconstruction        ẑ                   ẑ
    codes                 w                   w
    codes_null            w, labels permuted  w

References:
    Bhalla et al. Interpreting CLIP with sparse linear concept embeddings (SpLiCE). NeurIPS 2024, appendix B.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import numpy as np
import torch
from sklearn.model_selection import train_test_split

from splice_exp.core.errors import SpliceError, require_choice
from splice_exp.core.keys import key_of
from splice_exp.core.measures import Measure, Unit, beside
from splice_exp.data.base import DataSource
from splice_exp.decomposition.splice import Decomposition
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import CERTIFICATES, L0, NUM_SAMPLES, Evaluation, Findings, Metric, certificates
from splice_exp.evaluation.measures.lightning_probe import fit_with_lightning
from splice_exp.evaluation.measures.probes import (
    NUM_TRAIN,
    TOLERANCE,
    Features,
    Fit,
    Probe,
    as_features,
    code_features,
    fit_probe,
    fit_with_scikit_learn,
    gradient_measure,
)

log = logging.getLogger(__name__)

ENGINES: Mapping[str, Fit] = {"scikit_learn": fit_with_scikit_learn, "lightning": fit_with_lightning}

MEASURES = (
    *beside(Measure("probing/dense", "dense", Unit.SHARE, True), transferred="dense probe on reconstructions"),
    Measure("probing/reconstruction", "reconstructions", Unit.SHARE, True),
    *beside(Measure("probing/codes", "codes", Unit.SHARE, True), null="codes, permuted labels"),
    Measure("probing/majority", "majority class", Unit.SHARE),
    Measure("probing/{probe}_strength", "probe strength, {probe}", Unit.AMOUNT),
    gradient_measure("probing/gradient_max"),
    L0,
    *CERTIFICATES,
    NUM_TRAIN,
    NUM_SAMPLES,
)


class Probing(Evaluation):
    """Accuracies of the probes above; training data are seen through the image mean and dictionary of the test data.

    Args:
        train: Data set to train on; None: a half of the data, by class, for training and the other for testing.
        engine: What fits a probe: `scikit_learn`, or `lightning` for large data, on a GPU where there is one.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of the halves, of the samples for validation, of the permutation, and of the bootstrap.
    """

    measures = MEASURES

    def __init__(
        self,
        train: DataSource | None = None,
        engine: str = "scikit_learn",
        bootstrap_resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_choice("engine", engine, tuple(ENGINES))
        self._train, self._fit = train, ENGINES[engine]

    def evaluate(self, study: Study) -> Findings:
        """Train and test all probes.

        Raises:
            SpliceError: if there are no labels, or the classes of the two data sets differ.
        """
        labels = _labels(study)
        if self._train is None:
            everything = np.arange(len(labels))
            rows, tested = train_test_split(everything, test_size=0.5, random_state=self._seed, stratify=labels)
            rows, tested = np.sort(rows), np.sort(tested)
            train_labels, train = labels[rows], _features(study, rows)
        else:
            other = study.with_data(self._train)
            if other.embeddings.classes != study.embeddings.classes:
                raise SpliceError(
                    f"{key_of('train', self)} is {self._train.name}, whose classes are not those of "
                    f"{study.data.name}: take "
                    "another part of the same data set."
                )
            train_labels = _labels(other)
            train, tested = _features(other, np.arange(len(train_labels))), np.arange(len(labels))
        test, truth = _features(study, tested), labels[tested]
        shuffled = train_labels[self._permutation(len(train_labels))]
        probes = {
            "dense": fit_probe(train["dense"], train_labels, self._seed, fit=self._fit),
            "reconstruction": fit_probe(train["reconstruction"], train_labels, self._seed, fit=self._fit),
            "codes": fit_probe(train["codes"], train_labels, self._seed, fit=self._fit),
            "codes_null": fit_probe(train["codes"], shuffled, self._seed, fit=self._fit),
        }
        answers = {
            "dense": probes["dense"].predict(test["dense"]),
            "dense_transferred": probes["dense"].predict(test["reconstruction"]),
            "reconstruction": probes["reconstruction"].predict(test["reconstruction"]),
            "codes": probes["codes"].predict(test["codes"]),
            "codes_null": probes["codes_null"].predict(test["codes"]),
        }
        samples = {f"probing/{name}": (answer == truth).astype(float) for name, answer in answers.items()}
        samples["l0/mean"] = study.decomposition.codes.l0().numpy()[tested].astype(float)
        ids = study.embeddings.sample_ids
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            "probing/majority": float(np.unique(truth, return_counts=True)[1].max() / len(truth)),
            "probing/num_train_samples": len(train_labels),
            "probing/gradient_max": _worst(probes),
            **{f"probing/{name}_strength": probe.strength for name, probe in probes.items()},
            "data/num_samples": len(tested),
            **certificates(study.decomposition),
        }
        return Findings(metrics, [ids[row] for row in tested], samples)


def _worst(probes: dict[str, Probe]) -> float:
    """Return the largest gradient, and say so if a probe has not converged."""
    worst = max(probe.gradient for probe in probes.values())
    if worst > 10 * TOLERANCE:
        log.warning("a probe has not converged: an entry of its gradient is %.0e", worst)
    return worst


def _labels(study: Study) -> np.ndarray:
    labels = study.embeddings.labels
    if labels is None or len(set(labels.tolist())) < 2:
        raise SpliceError(
            f"evaluation=probing needs samples of two or more classes, but {study.data.name} has "
            f"{'no labels' if labels is None else 'one class'}: take another data set."
        )
    return np.asarray(labels.numpy())


def _features(study: Study, rows: np.ndarray) -> dict[str, Features]:
    """Return what probes look at, of some samples."""
    decomposition: Decomposition = study.decomposition
    chosen = torch.from_numpy(rows)
    return {
        "dense": as_features(study.embeddings.features[chosen]),
        "reconstruction": as_features(decomposition.reconstruct()[chosen]),
        "codes": code_features(decomposition.codes.select(chosen)),
    }
