"""Can one attribute be taken out of an embedding by the names of its concepts, and the other stay?

    task            classified by                       before    after
    class           zero-shot, of ẑ                     w         w without the concepts
    edited          probe, on w                         w         w without the concepts

A probe is trained on codes before the intervention. `removed`: without the concepts that are named; `proposed`: and
without those that predict the edited attribute best (`evaluation.removal`), as few as bring its probe near chance on
the training data; `relearned`: a probe that was trained on codes without the named ones, which says what the others
still reveal; `null`: without as many concepts as are named, sampled by how much code they have.

Accuracies are balanced, the mean over the two values, so that chance is one half whatever the data. The area under the
ROC curve of zero-shot stands beside its accuracy: an answer that is the same for all is at chance by accuracy, although
the order of the samples may still reveal the attribute.

References:
    Bhalla et al. Interpreting CLIP with sparse linear concept embeddings (SpLiCE). NeurIPS 2024, table 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float
from torch import Tensor

from splice_exp.backbones.base import Backbone
from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError, require_at_least, require_names
from splice_exp.core.keys import key_of
from splice_exp.core.measures import Measure, Unit
from splice_exp.core.names import mentioning
from splice_exp.core.statistics.intervals import of_group, ranks_above
from splice_exp.data.base import DataSource
from splice_exp.decomposition.splice import Decomposition
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import CERTIFICATES, L0, NUM_SAMPLES, Evaluation, Findings, Metric, certificates
from splice_exp.evaluation.measures.functional import classified_within
from splice_exp.evaluation.measures.probes import (
    Features,
    Probe,
    as_features,
    code_features,
    fit_probe,
    gradient_measure,
)
from splice_exp.evaluation.measures.removal import COUNTS, draw_concepts, telling, without

TASKS = ("kept", "edited")  # the class, which should stay, and the attribute to be edited away

NAMED = {"kept": "class", "edited": "attribute"}
WAYS = {
    "": "",
    "_removed": ", named concepts removed",
    "_proposed": ", proposed removed, too",
    "_null": ", random concepts removed",
    "_dense": ", dense",
}
RELEARNED = {"_relearned": ", relearned", "_relearned_proposed": ", relearned without the proposed"}


def _of_task(task: str) -> tuple[Measure, ...]:
    """Declare the accuracies and areas of a task; the class should stay, the attribute should become chance."""
    better = True if task == "kept" else None
    shares = {
        f"{reading}{way}": f"{NAMED[task]} {heading}{words}"
        for reading, heading, ways in (
            ("zero_shot", "zero-shot", WAYS | {"_mean_only": ", mean baseline"}),
            ("probe", "probe", WAYS | RELEARNED),
        )
        for way, words in ways.items()
    }
    areas = {
        f"{reading}{way}": f"{NAMED[task]} {heading}{words}"
        for reading, heading, ways in (("auc", "zero-shot AUC", WAYS), ("probe_auc", "probe AUC", WAYS | RELEARNED))
        for way, words in ways.items()
    }
    names = {**shares, **areas, **{f"{name}_of_{{value}}": f"{said}, value {{value}}" for name, said in shares.items()}}
    return tuple(Measure(f"intervention/{task}_{name}", said, Unit.SHARE, better) for name, said in names.items())


MEASURES = (
    *_of_task("kept"),
    *_of_task("edited"),
    Measure("intervention/num_removed", "concepts removed", Unit.COUNT),
    Measure("intervention/num_proposed", "concepts proposed", Unit.COUNT),
    gradient_measure("intervention/gradient_max"),
    L0,
    *CERTIFICATES,
    NUM_SAMPLES,
)


class InterventionAttributes(Evaluation):
    """Accuracies of both tasks, by zero-shot and by probe: of the embedding, of its codes, and after the intervention.

    Baselines: the dense embedding, and the image mean alone (one answer for all).

    Args:
        train: Part of the data on which probes are trained.
        attribute: The attribute to be edited away; the other task is the class.
        remove: Words: every concept in which one of them occurs is taken out.
        texts: Two texts for `kept` and for `edited`, in the order of their values, in place of names in templates.
        tolerance: How near to chance, one over the number of values, proposed concepts are to bring the edited task.
        bootstrap_resamples: For the 95 % intervals.
        seed: Of the null, of validation and of the bootstrap.
    """

    measures = MEASURES

    def __init__(
        self,
        train: DataSource,
        attribute: str,
        remove: Sequence[str],
        texts: Mapping[str, Sequence[str]] | None = None,
        tolerance: float = 0.1,
        bootstrap_resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(bootstrap_resamples, seed)
        require_names("remove", remove)
        if texts is not None and (set(texts) != set(TASKS) or any(len(pair) != 2 for pair in texts.values())):
            raise SpliceError(f"{key_of('texts')} is {dict(texts)}, but must give two texts for each of kept, edited.")
        require_at_least("tolerance", tolerance, 0)
        self._texts = texts
        self._train, self._attribute, self._remove, self._tolerance = train, attribute, tuple(remove), tolerance

    def _encode(self, backbone: Backbone, task: str, names: Sequence[str]) -> Float[Tensor, "2 d"]:
        """Embed the two values of a task, by their texts or by their names."""
        return backbone.encode_classes(names) if self._texts is None else backbone.encode_text(self._texts[task])

    def evaluate(self, study: Study) -> Findings:
        """Classify before and after.

        Raises:
            SpliceError: if the attribute does not exist, a task does not have two values, the training data have
                others, or no concept has one of the words.
        """
        train = study.with_data(self._train)
        truth, names = _tasks(study, self._attribute, self), _texts(study, self._attribute)
        learned = {task: labels.numpy() for task, labels in _tasks(train, self._attribute, self).items()}
        if _texts(train, self._attribute) != names:
            raise SpliceError(
                f"{key_of('train', self)} is {self._train.name}, whose classes or values are not those of "
                f"{study.data.name}: "
                "take another part of the same data set."
            )
        codes = train.decomposition.codes
        probes = {task: fit_probe(code_features(codes), learned[task], self._seed) for task in TASKS}
        removed = mentioning("remove", self._remove, study.dictionary.concepts, of=self)
        proposed = self._propose(probes["edited"], codes, learned, removed)
        random = draw_concepts(codes, len(removed), removed, self._seed)
        ways = {"": [], "_removed": removed, "_proposed": [*removed, *proposed], "_null": random}
        decompositions = {way: study.decomposition.intervene(remove=concepts) for way, concepts in ways.items()}
        left = {"relearned": removed, "relearned_proposed": [*removed, *proposed]}
        samples: dict[str, np.ndarray] = {}
        fitted = list(probes.values())
        for task in TASKS:
            texts, labels = self._encode(study.backbone, task, names[task]), truth[task]
            features, second = study.embeddings.features, (labels == 1).numpy()
            average = study.image_mean.expand_as(features)
            of_texts = (texts[1] - texts[0]).double()
            samples[f"intervention/{task}_auc_dense"] = ranks_above((features.double() @ of_texts).numpy(), second)
            dense = fit_probe(as_features(train.embeddings.features), learned[task], self._seed)
            again = {
                name: fit_probe(code_features(codes.without(concepts)), learned[task], self._seed)
                for name, concepts in left.items()
            }
            fitted += [dense, *again.values()]
            right = {
                "zero_shot_dense": np.asarray(classified_within(features, texts, labels, 1).double()),
                "zero_shot_mean_only": np.asarray(classified_within(average, texts, labels, 1).double()),
                "probe_dense": (dense.predict(as_features(features)) == labels.numpy()).astype(float),
            }
            seen = {"probe_auc_dense": (dense, as_features(features))}
            for name, probe in again.items():
                seen[f"probe_auc_{name}"] = probe, code_features(study.decomposition.codes.without(left[name]))
                right[f"probe_{name}"] = (probe.predict(seen[f"probe_auc_{name}"][1]) == labels.numpy()).astype(float)
            for way, decomposition in decompositions.items():
                right[f"zero_shot{way}"] = _nearest(decomposition, texts, labels)
                right[f"probe{way}"] = _probed(probes[task], decomposition.codes, labels)
                ahead = decomposition.reconstruct().double() @ of_texts
                samples[f"intervention/{task}_auc{way}"] = ranks_above(ahead.numpy(), second)
                seen[f"probe_auc{way}"] = probes[task], code_features(decomposition.codes)
            for name, (probe, given) in seen.items():
                samples[f"intervention/{task}_{name}"] = ranks_above(_ahead(probe, given), second)
            for way, values in right.items():
                of_values = [of_group(values, ~second), of_group(values, second)]
                samples[f"intervention/{task}_{way}"] = (of_values[0] + of_values[1]) / 2
                for value, of_value in enumerate(of_values):
                    samples[f"intervention/{task}_{way}_of_{value}"] = of_value
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            **certificates(study.decomposition),
            "intervention/num_removed": len(removed),
            "intervention/num_proposed": len(proposed),
            "intervention/gradient_max": max(probe.gradient for probe in fitted),
            "l0/mean": float(study.decomposition.codes.l0().double().mean()),
            "data/num_samples": len(study.embeddings),
        }
        chosen = [("named", concept) for concept in removed] + [("proposed", concept) for concept in proposed]
        values = train.attributes[self._attribute]
        means = codes.mean_by(values.labels, len(values.values))[:, [codes.concepts.index(name) for name in proposed]]
        leaks = [
            (concept, value, float(means[place, column]))
            for column, concept in enumerate(proposed)
            for place, value in enumerate(values.values)
        ]
        tables = {
            "removed": pd.DataFrame(chosen, columns=["how", "concept"]),
            "leaks": pd.DataFrame(leaks, columns=["concept", "value", "code"]),
        }
        return Findings(metrics, study.embeddings.sample_ids, samples, tables)

    def _propose(self, probe: Probe, codes: Codes, learned: dict[str, np.ndarray], removed: Sequence[str]) -> list[str]:
        """Return the most telling of the other concepts, as few as bring the edited task near chance."""
        spared = set(removed)
        ranked = [name for name in telling(probe, codes, learned["kept"], learned["edited"]) if name not in spared]
        values = np.unique(learned["edited"])
        for count in COUNTS:
            answer = without(probe, codes.concepts, [*removed, *ranked[:count]]).predict(code_features(codes))
            shares = [(answer[learned["edited"] == value] == value).mean() for value in values]
            if np.mean(shares) <= 1 / len(values) + self._tolerance:
                break
        return ranked[:count]


def _tasks(study: Study, attribute: str, of: object) -> dict[str, Tensor]:
    """Return the labels of both tasks."""
    if study.embeddings.labels is None or attribute not in study.attributes:
        raise SpliceError(
            f"{key_of('attribute', of)} is {attribute!r}, but besides its class {study.data.name} knows "
            f"{sorted(study.attributes)}: take one of them, or other data."
        )
    tasks = {"kept": study.embeddings.labels, "edited": study.attributes[attribute].labels}
    for task, labels in tasks.items():
        if sorted(set(labels.tolist())) != [0, 1]:
            raise SpliceError(
                f"evaluation=intervention_attributes needs samples of two classes and of two values of {attribute!r}, "
                f"but the {task} task of {study.data.name} has samples of {len(set(labels.tolist()))}: take other data."
            )
    return tasks


def _texts(study: Study, attribute: str) -> dict[str, tuple[str, ...]]:
    return {"kept": study.embeddings.classes, "edited": study.attributes[attribute].values}


def _nearest(decomposition: Decomposition, texts: Float[Tensor, "c d"], truth: Tensor) -> np.ndarray:
    return np.asarray(classified_within(decomposition.reconstruct(), texts, truth, 1).double())


def _ahead(probe: Probe, features: Features) -> np.ndarray:
    """Return by how much a probe prefers the second value, (n,)."""
    difference = probe.weights[1] - probe.weights[0]
    return np.asarray(features @ difference).ravel()


def _probed(probe: Probe, codes: Codes, truth: Tensor) -> np.ndarray:
    return np.asarray(probe.predict(code_features(codes)) == truth.numpy()).astype(float)
