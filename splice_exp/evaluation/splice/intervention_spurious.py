"""Can a classifier be cured of a spurious concept by its name, or by the name that it proposes itself?

A probe is trained on the codes of data in which the class comes with an attribute. Then concepts are taken out of its
weights: those named by hand, those proposed, and as many sampled at random. Groups are class × attribute.

Proposed are the concepts that are most telling (`evaluation.removal`), as many as serve the worst group of validation
data best; of equal numbers the smallest.

References:
    Bhalla et al. Interpreting CLIP with sparse linear concept embeddings (SpLiCE). NeurIPS 2024, table 7.
    Kirichenko, Izmailov, Wilson. Last layer re-training is sufficient for robustness to spurious correlations. ICLR
    2023.
    Sagawa, Koh, Hashimoto, Liang. Distributionally robust neural networks for group shifts. ICLR 2020.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd
import torch

from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError, require_names
from splice_exp.core.keys import key_of
from splice_exp.core.measures import Measure, Unit
from splice_exp.core.names import mentioning
from splice_exp.core.statistics.intervals import of_group
from splice_exp.data.base import DataSource
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import CERTIFICATES, L0, NUM_SAMPLES, Evaluation, Findings, Metric, certificates
from splice_exp.evaluation.measures.group_probes import fit_retrained, fit_reweighted
from splice_exp.evaluation.measures.probes import (
    NUM_TRAIN,
    Probe,
    as_features,
    code_features,
    fit_probe,
    gradient_measure,
)
from splice_exp.evaluation.measures.removal import COUNTS, draw_concepts, telling, without

WAYS = {
    "before": "before",
    "by_hand": "named concepts removed",
    "proposed": "proposed concepts removed",
    "null": "random concepts removed",
    "reweighted": "codes, groups reweighted",
    "retrained": "codes, last layer retrained",
    "dense": "dense",
    "dense_reweighted": "dense, groups reweighted",
    "dense_retrained": "dense, last layer retrained",
    "mean_only": "mean baseline",
}
ACCURACIES = tuple(
    Measure(f"intervention/{name}_{way}", f"{heading}, {words}", Unit.SHARE, True)
    for name, heading in (
        ("worst", "worst-group accuracy"),
        ("average", "accuracy"),
        ("group_{group}", "accuracy of group {group}"),
    )
    for way, words in WAYS.items()
)
MEASURES = (
    *ACCURACIES,
    Measure("intervention/worst_at_80_percent", "worst-group accuracy, 80 % of the gain", Unit.SHARE),
    Measure("intervention/worst_headroom", "worst-group headroom", Unit.POINTS),
    Measure("intervention/num_by_hand", "concepts named", Unit.COUNT),
    Measure("intervention/num_proposed", "concepts proposed", Unit.COUNT),
    Measure("intervention/strength", "probe strength", Unit.AMOUNT),
    gradient_measure("intervention/gradient_max"),
    L0,
    *CERTIFICATES,
    NUM_TRAIN,
    NUM_SAMPLES,
)


class InterventionSpurious(Evaluation):
    """Accuracy of all, of each group and of the worst, of a probe before and after concepts are taken out.

    `worst_at_80_percent`: where 80 % of the gain by hand would lead; `worst_headroom`: what the dense probe has more
    than the codes before.

    Baselines: a probe on the dense embeddings; the more frequent class for all, which is what a probe says that knows
    the mean only; and, as proposing needs the groups of training and validation data, probes that know them, too
    (`group_probes`): with every group of the training data weighted equally, and retrained on balanced subsets of the
    validation data. Null: as many concepts as by hand, sampled by how much code they have.

    Args:
        train: Part of the data in which class and attribute come together.
        val: Part on which the number of proposed concepts is chosen.
        attribute: The attribute that the class comes with, of two values.
        remove: Words: by hand, every concept in which one of them occurs is taken out.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of the null, of validation and of the bootstrap.
    """

    measures = MEASURES

    def __init__(
        self,
        train: DataSource,
        val: DataSource,
        attribute: str,
        remove: Sequence[str],
        bootstrap_resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_names("remove", remove)
        self._train, self._val = train, val
        self._attribute, self._remove = attribute, tuple(remove)

    def evaluate(self, study: Study) -> Findings:
        """Train, take out, and judge the groups.

        Raises:
            SpliceError: if the attribute does not exist or does not have two values, there are not two classes, or no
                concept has one of the words.
        """
        test, train, val = (
            self._groups(part) for part in (study, study.with_data(self._train), study.with_data(self._val))
        )
        probe = fit_probe(code_features(train.codes), train.labels, self._seed)
        dense = fit_probe(as_features(train.features), train.labels, self._seed)
        by_hand = mentioning("remove", self._remove, study.dictionary.concepts, of=self)
        proposed = self._propose(probe, train, val)
        random = draw_concepts(train.codes, len(by_hand), by_hand, self._seed)
        frequent = np.full(len(test.labels), np.bincount(train.labels).argmax())
        informed = {
            way: (
                fit(code_features(part.codes), part.labels, part.groups, self._seed),
                fit(as_features(part.features), part.labels, part.groups, self._seed),
            )
            for way, fit, part in (("reweighted", fit_reweighted, train), ("retrained", fit_retrained, val))
        }
        answers = {"dense": dense.predict(as_features(test.features)), "mean_only": frequent}
        for way, (of_codes, of_dense) in informed.items():
            answers[way] = of_codes.predict(code_features(test.codes))
            answers[f"dense_{way}"] = of_dense.predict(as_features(test.features))
        for name, removed in (("before", []), ("by_hand", by_hand), ("proposed", proposed), ("null", random)):
            answers[name] = without(probe, study.dictionary.concepts, removed).predict(code_features(test.codes))
        samples: dict[str, np.ndarray] = {}
        metrics: dict[str, Metric] = {}
        for name, answer in answers.items():
            right = (answer == test.labels).astype(float)
            of_groups = [of_group(right, test.groups == group) for group in range(4)]
            worst = int(np.argmin([values.mean() for values in of_groups]))
            samples[f"intervention/average_{name}"] = right
            samples[f"intervention/worst_{name}"] = of_groups[worst]
            for group, values in enumerate(of_groups):
                samples[f"intervention/group_{group}_{name}"] = values
        before, by_hand_worst = samples["intervention/worst_before"], samples["intervention/worst_by_hand"]
        samples["intervention/worst_at_80_percent"] = 0.2 * before + 0.8 * by_hand_worst
        samples["intervention/worst_headroom"] = samples["intervention/worst_dense"] - before
        of_worst: dict[str, Metric] = {}
        for name in answers:
            worst_right = samples[f"intervention/average_{name}"]
            of_worst |= self._of_worst(f"intervention/worst_{name}", worst_right, test.groups)
        metrics |= {
            **self._summarised(samples),
            **of_worst,
            **certificates(study.decomposition),
            "intervention/num_by_hand": len(by_hand),
            "intervention/num_proposed": len(proposed),
            "intervention/strength": probe.strength,
            "intervention/gradient_max": max(one.gradient for one in (probe, dense, *chain(*informed.values()))),
            "l0/mean": float(test.codes.l0().double().mean()),
            "probing/num_train_samples": len(train.labels),
            "data/num_samples": len(test.labels),
        }
        chosen = [("by hand", concept) for concept in by_hand] + [("proposed", concept) for concept in proposed]
        tables = {
            "removed": pd.DataFrame(chosen, columns=["how", "concept"]),
            "groups": pd.DataFrame({"group": np.arange(4), "name": test.names}),
        }
        return Findings(metrics, study.embeddings.sample_ids, samples, tables)

    def _groups(self, study: Study) -> Groups:
        attribute, labels, classes = (
            study.attributes.get(self._attribute),
            study.embeddings.labels,
            study.embeddings.classes,
        )
        if attribute is None or labels is None or len(attribute.values) != 2 or len(classes) != 2:
            raise SpliceError(
                f"{key_of('attribute', self)} is {self._attribute!r}, which with the class must make four groups; "
                f"{study.data.name} has the classes {list(classes)} and knows {sorted(study.attributes)}: take "
                "data=scenes_spurious, data=waterbirds, or others of two classes and an attribute of two values."
            )
        groups = (2 * labels + attribute.labels).numpy()
        if np.bincount(groups, minlength=4).min() == 0:
            raise SpliceError(f"{study.data.name} has a group without samples: take more of them.")
        names = [f"{name} on {value}" for name in classes for value in attribute.values]
        return Groups(study.decomposition.codes, study.embeddings.features, labels.numpy(), groups, names)

    def _propose(self, probe: Probe, train: Groups, val: Groups) -> list[str]:
        """Rank concepts by their score, and choose how many of them by the worst group of validation data."""
        ranked = telling(probe, train.codes, train.groups // 2, train.groups % 2)
        features = code_features(val.codes)
        worst = []
        for count in COUNTS:
            right = without(probe, val.codes.concepts, ranked[:count]).predict(features) == val.labels
            worst.append(min(right[val.groups == group].mean() for group in range(4)))
        return ranked[: COUNTS[int(np.argmax(worst))]]


@dataclass(frozen=True, eq=False)
class Groups:
    """Samples of a part of the data, with class, and class × attribute.

    Attributes:
        codes: n rows.
        features: Image embeddings, (n, d).
        labels: Class of each sample, (n,).
        groups: Class × attribute of each sample, (n,).
        names: Of the groups.
    """

    codes: Codes
    features: torch.Tensor
    labels: np.ndarray
    groups: np.ndarray
    names: list[str]
