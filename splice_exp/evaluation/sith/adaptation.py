"""What does fine-tuning change in the heads: their singular values, or what they write?

References:
    Gentile et al. From weights to concepts: data-free interpretability of CLIP via singular vector decomposition.
    CVPR 2026 (SITH), section 6.
"""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from scipy.stats import spearmanr
from torch import Tensor

from splice_exp.backbones.base import Backbone
from splice_exp.backbones.towers import tower_of
from splice_exp.core.errors import SpliceError
from splice_exp.core.keys import key_of
from splice_exp.core.measures import Measure, Unit, beside
from splice_exp.data.base import DataSource, EncodableSource
from splice_exp.decomposition.study import Study
from splice_exp.embeddings.extract import extract
from splice_exp.evaluation.base import NUM_SAMPLES, Evaluation, Findings, Metric
from splice_exp.evaluation.measures.probes import NUM_TRAIN
from splice_exp.evaluation.sith.edits import zero_shot
from splice_exp.heads.adaptation import Adaptation, compare
from splice_exp.heads.explain import both_poles, random_directions
from splice_exp.heads.reading import Reading
from splice_exp.heads.selectors import ByCodes
from splice_exp.heads.spectra import Spectra
from splice_exp.training.fine_tuning import FineTuning, fine_tuned

DRAWN = 8  # random directions per head

MEASURES = (
    Measure("adapt/accuracy_before", "accuracy, before", Unit.SHARE),
    Measure("adapt/accuracy_after", "accuracy, after", Unit.SHARE, True),
    Measure("adapt/likeness", "similarity of matched vectors", Unit.COSINE),
    Measure("adapt/overlap", "overlap of the spaces", Unit.NUMBER),
    Measure("adapt/change", "relative change", Unit.AMOUNT),
    *(
        one
        for name in ("reweighted", "mixed", "new")
        for one in beside(Measure(f"adapt/{name}", name, Unit.SHARE), null=f"{name}, random change")
    ),
    *beside(
        Measure("adapt/relevance", "relevance of the change", Unit.NUMBER),
        before="relevance before",
        null="relevance of random directions",
    ),
    Measure("adapt/gains", "rank correlation of singular values with relevance", Unit.COSINE),
    Measure("adapt/num_heads", "heads", Unit.COUNT),
    NUM_TRAIN,
    NUM_SAMPLES,
)


class SithAdaptation(Evaluation):
    """Heads of the image tower before and after fine-tuning; means over heads.

    `likeness`: |cosine| of what matched vectors write, weighted by squared singular values; `overlap` of the spaces;
    `change`: ‖ΔM‖ / ‖M‖; `reweighted`, `mixed`, `new`: shares of ‖ΔM‖² (`heads.adaptation`), with the `_null` of small
    random changes of values and outputs. `relevance`: how much the vectors of ΔM are about the classes, or about the
    concepts nearest to those that the dictionary lacks, weighted by squared singular values; `_before`: those of M;
    `_null`: random directions. `gains`: rank correlation of log(σ' / σ) with the relevance of the vectors of M.

    Args:
        reading: Which heads, and how.
        tuning: How the model is fine-tuned.
        train: Training images with the classes of the data.
        bootstrap_resamples: For the 95 % intervals, over heads; over samples for accuracies.
        seed: Of nulls and the bootstrap.
    """

    measures = MEASURES

    def __init__(
        self,
        reading: Reading,
        tuning: FineTuning,
        train: DataSource,
        bootstrap_resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(bootstrap_resamples, seed)
        if reading.tower != "image" or reading.side != "writes" or not reading.folded or reading.vectors is not None:
            raise SpliceError(
                "evaluation=sith_adaptation compares all that heads of the image tower write: it needs "
                f"{key_of('reading.tower')}"
                f"=image, {key_of('reading.side')}=writes, {key_of('reading.folded')}=true and "
                f"{key_of('reading.vectors')}=null."
            )
        if reading.projection == "jacobian":
            raise SpliceError(
                f"{key_of('reading.projection')} is 'jacobian', which is taken at a residual stream of one "
                "model, but two models are compared: set it to published or linear."
            )
        self._reading, self._tuning, self._train = reading, tuning, train

    def evaluate(self, study: Study) -> Findings:
        """Fine-tune, and compare.

        Raises:
            SpliceError: if data have no classes, or other ones than the training data.
        """
        train, labels = self._train, study.embeddings.labels
        if not isinstance(train, EncodableSource) or labels is None or train.classes != study.data.classes:
            raise SpliceError(
                f"{key_of('train', self)} is {train.name}, which must be images with the classes of "
                f"{study.data.name}: take "
                "another part of the same data set."
            )
        backbone = study.backbone
        tuned = fine_tuned(backbone, train, self._tuning)
        found = compare(tower_of(backbone), tower_of(tuned), self._reading.layers)
        texts, truth = study.class_features, np.asarray(labels)
        right = {
            "adapt/accuracy_before": zero_shot(study.embeddings.features, texts) == truth,
            "adapt/accuracy_after": zero_shot(extract(study.data, tuned).features, texts) == truth,
        }
        null = compare(tower_of(backbone), tower_of(randomly_changed(backbone, self._seed)), self._reading.layers)
        of_heads = self._of_heads(found, null)
        samples = {f"adapt/{name}": values.flatten().numpy() for name, values in of_heads.items()}
        relevances, scores = self._relevances(study, found)
        samples |= relevances
        metrics: dict[str, Metric] = {
            **self._summarised(samples),
            **self._summarised({name: one.astype(float) for name, one in right.items()}),
            "adapt/gains": _rank_correlation(found.log_gains, scores),
            "adapt/num_heads": found.change.numel(),
            "probing/num_train_samples": len(train),
            "data/num_samples": len(truth),
        }
        names = [f"L{layer}.H{head}" for layer in found.before.layers for head in range(found.change.shape[1])]
        tables = {
            "difference": self._listed(study, found.difference),
            "heads": pd.DataFrame({"head": names, **{key.rpartition("/")[2]: one for key, one in samples.items()}}),
            "vectors": pd.DataFrame(
                {
                    "vector": found.before.names,
                    "likeness": found.likeness.flatten().numpy(),
                    "log_gain": found.log_gains.flatten().numpy(),
                    "relevance": scores.flatten().numpy(),
                }
            ),
        }
        return Findings(metrics, names, samples, tables)

    def _of_heads(self, found: Adaptation, null: Adaptation) -> dict[str, Float[Tensor, "L H"]]:
        energies = found.before.gains.square()
        return {
            "likeness": (found.likeness * energies).sum(dim=2) / energies.sum(dim=2),
            "overlap": found.overlap,
            "change": found.change,
            "reweighted": found.reweighted,
            "mixed": found.mixed,
            "new": found.new,
            "reweighted_null": null.reweighted,
            "mixed_null": null.mixed,
            "new_null": null.new,
        }

    def _relevances(self, study: Study, found: Adaptation) -> tuple[dict[str, np.ndarray], Float[Tensor, "L H r"]]:
        """Return the relevance of heads to the classes: of ΔM, of M, of random directions; and of the vectors of M."""
        selector = ByCodes(_words(study))
        samples = {}
        for name, spectra in (("relevance", found.difference), ("relevance_before", found.before)):
            scores, energies = self._scores(study, spectra, selector), spectra.gains.square()
            weighted = (scores * energies).sum(dim=2) / energies.sum(dim=2).clamp(min=1e-30)
            samples[f"adapt/{name}"] = weighted.flatten().numpy()
        heads = found.change.numel()
        drawn = random_directions(heads * DRAWN, found.before.writes.shape[3], self._seed)
        chance = self._scored(study, drawn, selector).view(heads, DRAWN)
        samples["adapt/relevance_null"] = chance.mean(dim=1).numpy()
        return samples, scores

    def _scores(self, study: Study, spectra: Spectra, selector: ByCodes) -> Float[Tensor, "L H r"]:
        return self._scored(study, spectra.vectors("writes"), selector).view(spectra.gains.shape)

    def _scored(self, study: Study, vectors: Float[Tensor, "n d"], selector: ByCodes) -> Float[Tensor, " n"]:
        poles, names = both_poles(vectors, [str(row) for row in range(len(vectors))])
        found = self._reading.explained(poles, study.backbone, study.dictionary, study.solver, study.image_mean)
        return selector.scores(found, names[::2])

    def _listed(self, study: Study, difference: Spectra) -> pd.DataFrame:
        """Return the concepts of both signed directions of the first vector of ΔM of each head."""
        first = difference.writes[:, :, 0].flatten(0, 1)
        poles, _ = both_poles(first, [str(row) for row in range(len(first))])
        found = self._reading.explained(poles, study.backbone, study.dictionary, study.solver, study.image_mean)
        lists = [", ".join(name for name, _ in concepts) for concepts in found.top(4)]
        heads = [f"L{layer}.H{head}" for layer in difference.layers for head in range(difference.gains.shape[1])]
        gains = difference.gains[:, :, 0].flatten().tolist()
        return pd.DataFrame(
            [(head, lists[2 * row], lists[2 * row + 1], gains[row]) for row, head in enumerate(heads)],
            columns=["head", "direction +", "direction −", "gain"],
        )


def _rank_correlation(first: Tensor, second: Tensor) -> float:
    return float(spearmanr(first.flatten().numpy(), second.flatten().numpy()).statistic)


def _words(study: Study) -> list[str]:
    """Return a concept for each class: its name, or for one that the dictionary lacks, the concept nearest to it."""
    classes, dictionary = study.embeddings.classes, study.dictionary
    texts = study.class_features.double() - dictionary.mean.double()
    rows = (texts @ dictionary.atoms.double().T).argmax(dim=1).tolist()
    words = (name if name in dictionary else dictionary.concepts[row] for name, row in zip(classes, rows, strict=True))
    return list(dict.fromkeys(words))


@torch.no_grad()
def randomly_changed(backbone: Backbone, seed: int) -> Backbone:
    """Return a copy whose values and outputs are changed by a hundredth of their norms, at random.

    What heads read, or what they write, stays in the old space in either change: no change of weights is all new.

    Args:
        backbone: The one to copy; stays as it is.
        seed: Of the changes.
    """
    found, random = copy.deepcopy(backbone), torch.Generator().manual_seed(seed)
    tower = tower_of(found)
    for block in tower.blocks:
        for weight in (block.attn.in_proj_weight[2 * tower.width :], block.attn.out_proj.weight):
            drawn = torch.randn(weight.shape, generator=random).to(weight)
            weight += 0.01 * drawn * weight.norm() / drawn.norm()
    return found
