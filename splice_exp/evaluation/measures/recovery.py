r"""Do the codes name what is there? Concepts in the support of a row, held against the ground truth of the sample.

For sample i with true concepts T, of which the vocabulary of the benchmark can name N, concepts with a positive code
name the words R: compounds count word by word, synonyms as the concept they name, and a word that stands for nothing as
a word that is not true. A word with several meanings, one of which is true, counts neither for nor against a code.

    precision = |R ∩ T| / |R|          recall = |R ∩ N| / |N|          F1 = 2 |R ∩ N| / (|R| + |N|)
    average precision: of N in the ranking of all words by the sum of the codes that name them
    hallucinated: share of the support with a word that stands for nothing in the world
    misbound: share of the support whose words are all true, but of no single object
    main recall: of the kinds that a short caption would name (`GroundTruth.main_kinds`)
    pooled: of all words of all samples, Σᵢ partᵢ / Σᵢ wholeᵢ, rather than the mean of the samples' shares

A negative code says what is not there: it names nothing, unless `any_sign` is in the name of the measure. An empty
support has precision, F1 and shares of 0, and so has the recall of a kind that a sample does not have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from splice_exp.core.codes import Codes
from splice_exp.core.measures import Measure, Unit, beside
from splice_exp.core.truth import GroundTruth

Supports = Sequence[Sequence[int]]  # concepts of each sample, the largest code first
POOLED = ("precision", "recall_main")  # shares that are also pooled


def _of_supports(name: str, heading: str) -> tuple[Measure, ...]:
    """Declare a measure of whole supports, and of those that it is compared with."""
    whole = Measure(f"recovery/{name}", heading, Unit.SHARE, True, optional=True)
    return (
        *beside(whole, null=f"{heading} of random concepts"),
        replace(whole, name=f"recovery/{name}_any_sign", heading=f"{heading} of either sign"),
        replace(whole, name=f"recovery/{name}_in_top{{k}}", heading=f"{heading} among top {{k}}"),
    )


RECOVERY = (
    *_of_supports("precision", "precision"),
    *_of_supports("recall", "recall"),
    *_of_supports("f1", "F1"),
    *beside(
        Measure("recovery/average_precision", "average precision", Unit.SHARE, True, optional=True),
        null="average precision of other codes",
    ),
    Measure("recovery/hallucinated", "hallucinated", Unit.SHARE, False, optional=True),
    Measure("recovery/misbound", "binding error", Unit.SHARE, False, optional=True),
    *beside(
        Measure("recovery/recall_main", "main recall", Unit.SHARE, True, optional=True),
        null="main recall of random concepts",
    ),
    *beside(
        Measure("recovery/recall_main_pooled", "pooled main recall", Unit.SHARE, True, optional=True),
        null="pooled main recall of random concepts",
    ),
    *beside(
        Measure("recovery/precision_pooled", "pooled precision", Unit.SHARE, True, optional=True),
        null="pooled precision of random concepts",
    ),
    Measure("recovery/recall_{kind}", "{kind} recall", Unit.SHARE, True, optional=True),
)


def supports_of(codes: Codes, any_sign: bool = False) -> Supports:
    """Return the concepts with a positive code in each row, the largest first; of equal ones the first.

    Args:
        codes: n rows.
        any_sign: Also take those with a negative code, at its size.
    """
    supports = []
    for row in range(len(codes)):
        place = slice(int(codes.indptr[row]), int(codes.indptr[row + 1]))
        values, indices = codes.values[place].numpy(), codes.indices[place].numpy()
        values = np.abs(values) if any_sign else values
        order = np.lexsort((indices, -values))
        supports.append([int(indices[index]) for index in order if values[index] > 0])
    return supports


def draw_supports(supports: Supports, num_concepts: int, seed: int) -> Supports:
    """Draw, for each sample, as many concepts as it has, by how often each is used in all supports: the null."""
    used = np.bincount([concept for support in supports for concept in support], minlength=num_concepts)
    if not used.any():
        return [[] for _ in supports]
    random = np.random.default_rng(seed)
    frequency, available = used / used.sum(), int((used > 0).sum())
    return [
        random.choice(num_concepts, size=min(len(support), available), replace=False, p=frequency).tolist()
        for support in supports
    ]


def recovery(supports: Supports, concepts: Sequence[str], truth: GroundTruth) -> dict[str, np.ndarray]:
    """Judge supports: precision, recall (of all and of each kind), F1, hallucinated and misbound share, each (n,).

    Those in `POOLED` also with the suffix `_pooled`.

    Args:
        supports: Concepts of each sample.
        concepts: Their names.
        truth: Of the same samples.
    """
    named = [truth.named(concept) for concept in concepts]
    counted: dict[str, list[tuple[int, int]]] = {}
    for sample, support in enumerate(supports):
        for name, counts in _counts([named[concept] for concept in support], truth, sample).items():
            counted.setdefault(name, []).append(counts)
    parts_and_wholes = {name: np.array(counts, dtype=np.float64).T for name, counts in counted.items()}
    measured = {
        name: np.divide(parts, wholes, out=np.zeros_like(parts), where=wholes > 0)
        for name, (parts, wholes) in parts_and_wholes.items()
    }
    return measured | {f"{name}_pooled": pooled(*parts_and_wholes[name]) for name in POOLED if name in counted}


def _counts(support: Sequence[frozenset[str]], truth: GroundTruth, sample: int) -> dict[str, tuple[int, int]]:
    """Count part and whole of every share of a sample; `support` has the words of each concept."""
    true, nameable = truth.concepts(sample), truth.nameable(sample)
    found = frozenset().union(*support) - {word for word in true if word not in truth.kind_of}
    recalled = len(found & nameable)
    main = {concept for concept in nameable if truth.kind_of[concept] in truth.main_kinds}
    counts = {
        "precision": (len(found & true), len(found)),
        "recall": (recalled, len(nameable)),
        "f1": (2 * recalled, len(found) + len(nameable)),
        "hallucinated": (sum(any(word not in truth.known for word in words) for words in support), len(support)),
        "recall_main": (len(found & main), len(main)),
        "misbound": (sum(words <= true and not truth.holds(words, sample) for words in support), len(support)),
    }
    for kind in truth.kinds:
        of_kind = {concept for concept in nameable if truth.kind_of[concept] == kind}
        counts[f"recall_{kind}"] = (len(found & of_kind), len(of_kind))
    return counts


def pooled(parts: np.ndarray, wholes: np.ndarray) -> np.ndarray:
    """Return (n,) values whose mean is the ratio of sums r, linearised so that their spread is that of r.

        valueᵢ = r + (partᵢ − r · wholeᵢ) / mean(whole)          r = Σ part / Σ whole

    References:
        Cochran. Sampling techniques, 3rd ed., section 2.11. Wiley 1977.
    """
    if not wholes.any():
        return np.zeros(len(parts))
    ratio = parts.sum() / wholes.sum()
    return ratio + (parts - ratio * wholes) / wholes.mean()


def average_precision(codes: Codes, truth: GroundTruth) -> np.ndarray:
    """Return the average precision of the true concepts of each row, (n,); negative codes count as none."""
    words = sorted({word for concept in codes.concepts for word in truth.named(concept)} | set(truth.kind_of))
    column = {word: index for index, word in enumerate(words)}
    named = [[column[word] for word in truth.named(concept)] for concept in codes.concepts]
    found = np.zeros(len(codes))
    for row in range(len(codes)):
        scores, true = np.zeros(len(words)), np.zeros(len(words), dtype=bool)
        for place in range(int(codes.indptr[row]), int(codes.indptr[row + 1])):
            scores[named[int(codes.indices[place])]] += max(float(codes.values[place]), 0.0)
        true[[column[concept] for concept in truth.nameable(row)]] = True
        scores[[column[word] for word in truth.concepts(row) if word not in truth.kind_of and word in column]] = 0
        found[row] = _average_precision(scores, true)
    return found


def _average_precision(scores: np.ndarray, true: np.ndarray) -> float:
    """Sum the precision at each distinct score, weighted by the recall that it adds; equal scores come together."""
    order = np.argsort(-scores, kind="stable")
    last_of_equals = np.append(np.diff(scores[order]) != 0, True)
    right = np.cumsum(true[order])[last_of_equals]
    precision = right / (np.flatnonzero(last_of_equals) + 1)
    return float((precision * np.diff(right, prepend=0)).sum() / true.sum())


def names_something(concepts: Sequence[str], truth: GroundTruth) -> bool:
    """Say whether any concept names a thing of the world; atoms without a name can recover nothing."""
    return any(word in truth.known for concept in concepts for word in truth.named(concept))


def recovery_measures(codes: Codes, truth: GroundTruth, top_k: int, seed: int) -> Mapping[str, np.ndarray]:
    """Measure everything: of the support, of its `top_k` largest codes, and of the null.

    Args:
        codes: n rows, named.
        truth: Of the same samples.
        top_k: Largest codes looked at.
        seed: Of the null.

    Returns:
        Name → (n,): those of `recovery`, `average_precision`, and precision, recall and F1 with the suffix `_in_top5`
        (for that `top_k`), `_any_sign` (a negative code names its concept, too) and, of concepts drawn by their use,
        `_null`, the latter also for main recall and what is pooled; the null of the average precision is that of the
        codes of other samples.
    """
    supports = supports_of(codes)
    others = torch.from_numpy(np.random.default_rng(seed).permutation(len(codes)))
    judged = recovery(supports, codes.concepts, truth)
    judged["average_precision"] = average_precision(codes, truth)
    judged["average_precision_null"] = average_precision(codes.select(others), truth)
    short = ("precision", "recall", "f1")
    main = ("recall_main", *(f"{name}_pooled" for name in POOLED))
    for suffix, replaced, names in (
        (f"_in_top{top_k}", [support[:top_k] for support in supports], short),
        ("_any_sign", supports_of(codes, any_sign=True), short),
        ("_null", draw_supports(supports, codes.num_concepts, seed), (*short, *main)),
    ):
        values = recovery(replaced, codes.concepts, truth)
        judged |= {name + suffix: values[name] for name in names if name in values}
    return judged
