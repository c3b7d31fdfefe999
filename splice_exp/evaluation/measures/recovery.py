r"""Do the codes name what is there? Concepts in the support of a row, compared with the ground truth of the sample.

For sample i with true concepts T, of which the vocabulary of the benchmark can name N, concepts with a positive code
name the words R: compounds count word by word, synonyms as the concept they name, and a word that stands for nothing as
a word that is not true. A word with several meanings, one of which is true, counts neither for nor against a code.

    precision = |R ∩ T| / |R|          recall = |R ∩ N| / |N|          F1 = 2 |R ∩ N| / (|R| + |N|)
    average precision: of N in the ranking of all words by the sum of the codes that name them
    hallucinated: share of the support with a word that stands for nothing in the benchmark
    misbound: binding error, share of the support whose words are all true, but of no single object
    main recall: of the kinds that a short caption would name (`GroundTruth.main_kinds`)
    pooled: of all words of all samples, Σᵢ partᵢ / Σᵢ wholeᵢ, rather than the mean of the samples' shares

A negative code says what is absent: it names nothing, unless `any_sign` is in the name of the measure. An empty
support has precision, F1 and shares of 0, and so has the recall of a kind that a sample does not have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

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
    rows = np.repeat(np.arange(len(codes)), codes.indptr.diff().numpy())
    values, indices = codes.values.numpy(), codes.indices.numpy()
    values = np.abs(values) if any_sign else values
    order = np.lexsort((indices, -values, rows))
    order = order[values[order] > 0]
    ends = np.cumsum(np.bincount(rows[order], minlength=len(codes))).tolist()
    named = indices[order].tolist()
    return [named[start:end] for start, end in pairwise([0, *ends])]


def draw_supports(supports: Supports, num_concepts: int, seed: int) -> Supports:
    """Draw, for each sample, as many concepts as it has, by how often each is used in all supports: the null.

    Args:
        supports: Concepts of each sample.
        num_concepts: k.
        seed: Of the sampling.
    """
    return _drawn(tuple(map(tuple, supports)), num_concepts, seed)


@lru_cache(maxsize=1)  # several measures of the same codes are compared with the same null, and drawing takes longest
def _drawn(supports: tuple[tuple[int, ...], ...], num_concepts: int, seed: int) -> Supports:
    used = np.bincount([concept for support in supports for concept in support], minlength=num_concepts)
    if not used.any():
        return [[] for _ in supports]
    random = np.random.default_rng(seed)
    frequency, available = used / used.sum(), int((used > 0).sum())
    return [
        random.choice(num_concepts, size=min(len(support), available), replace=False, p=frequency).tolist()
        for support in supports
    ]


class Judge:
    """Compares the words that codes name with what is true of each sample, in tables of samples × words.

    Args:
        concepts: Names of the columns of codes, each of one word or more.
        truth: Of the samples.
    """

    def __init__(self, concepts: Sequence[str], truth: GroundTruth) -> None:
        self._truth = truth
        self._named = [truth.named(concept) for concept in concepts]
        words = sorted({word for named in self._named for word in named} | truth.known)
        self._place = {word: place for place, word in enumerate(words)}
        columns = [[self._place[word] for word in named] for named in self._named]
        self._columns = np.array([column for of_one in columns for column in of_one], dtype=np.int64)
        self._bounds = np.cumsum([0, *map(len, columns)])  # of the columns of each concept among all of them
        self._several = np.array([len(named) > 1 for named in self._named])
        self._stray = np.array([any(word not in truth.known for word in named) for named in self._named])
        kinds = np.array([truth.kind_of.get(word, "") for word in words])
        self._kinds = {f"recall_{kind}": kinds == kind for kind in truth.kinds}
        self._kinds["recall_main"] = np.isin(kinds, truth.main_kinds)
        rows = range(len(truth))
        self._true = self._table([[self._place[word] for word in truth.concepts(row)] for row in rows])
        self._nameable = self._table([[self._place[word] for word in truth.nameable(row)] for row in rows])
        self._unsure = self._true & (kinds == "")  # with several meanings

    def _table(self, places: Sequence[Sequence[int]]) -> np.ndarray:
        """Return which words stand in each row, (n, words) bool."""
        found = np.zeros((len(places), len(self._place)), dtype=bool)
        rows = np.repeat(np.arange(len(places)), [len(row) for row in places])
        found[rows, [place for row in places for place in row]] = True
        return found

    def _columns_of(self, concepts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the columns of the words of some concepts, one after the other, and which concept each is of."""
        starts, counts = self._bounds[concepts], self._bounds[concepts + 1] - self._bounds[concepts]
        which = np.repeat(np.arange(len(concepts)), counts)
        within = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
        return self._columns[starts[which] + within], which

    def recovery(self, supports: Supports) -> dict[str, np.ndarray]:
        """Return what the function of that name does."""
        sizes = np.array([len(support) for support in supports])
        rows = np.repeat(np.arange(len(supports)), sizes)
        concepts = np.array([concept for support in supports for concept in support], dtype=np.int64)
        columns, which = self._columns_of(concepts)
        named = np.zeros_like(self._true)
        named[rows[which], columns] = True
        found = named & ~self._unsure
        both = found & self._nameable
        recalled, right, said, there = (
            table.sum(axis=1) for table in (both, found & self._true, found, self._nameable)
        )
        hallucinated, misbound = (
            np.bincount(rows, weights=weights, minlength=len(supports))
            for weights in (self._stray[concepts], self._misbound(rows, concepts))
        )
        counts = {
            "precision": (right, said),
            "recall": (recalled, there),
            "f1": (2 * recalled, said + there),
            "hallucinated": (hallucinated, sizes),
            "misbound": (misbound, sizes),
        }
        for name, of_kind in self._kinds.items():
            counts[name] = (both[:, of_kind].sum(axis=1), self._nameable[:, of_kind].sum(axis=1))
        shares = {name: (part.astype(np.float64), whole.astype(np.float64)) for name, (part, whole) in counts.items()}
        measured = {
            name: np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
            for name, (part, whole) in shares.items()
        }
        return measured | {f"{name}_pooled": pooled(*shares[name]) for name in POOLED}

    def _misbound(self, rows: np.ndarray, concepts: np.ndarray) -> np.ndarray:
        """Say of which concepts all words are true, but not together; one true word is true of something.

        Args:
            rows: Of which sample each is a concept.
            concepts: All that are named.
        """
        misbound = np.zeros(len(concepts), dtype=bool)
        for place in np.flatnonzero(self._several[concepts]):
            words, row = self._named[concepts[place]], int(rows[place])
            misbound[place] = words <= self._truth.concepts(row) and not self._truth.holds(words, row)
        return misbound

    def average_precision(self, codes: Codes) -> np.ndarray:
        """Return the average precision of the true concepts of each row, (n,); negative codes count as none."""
        scores = np.zeros(self._true.shape)
        rows = np.repeat(np.arange(len(codes)), codes.indptr.diff().numpy())
        columns, which = self._columns_of(codes.indices.numpy())
        np.add.at(scores, (rows[which], columns), codes.values.double().clamp(min=0).numpy()[which])
        scores[self._unsure] = 0
        return average_precisions(scores, self._nameable)


def average_precisions(scores: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return the mean over true items of the precision down to each, (n,); items of equal scores come together.

    Args:
        scores: (n, w).
        true: (n, w) bool, one or more per row.
    """
    order = np.argsort(-scores, axis=1, kind="stable")
    ranked, true = np.take_along_axis(scores, order, axis=1), np.take_along_axis(true, order, axis=1)
    places = np.arange(ranked.shape[1])
    ends = np.concatenate([np.diff(ranked, axis=1) != 0, np.ones((len(ranked), 1), dtype=bool)], axis=1)
    last = np.minimum.accumulate(np.where(ends, places, len(places))[:, ::-1], axis=1)[:, ::-1]  # of equal scores
    precision = np.take_along_axis(np.cumsum(true, axis=1), last, axis=1) / (last + 1)
    return np.asarray((precision * true).sum(axis=1) / true.sum(axis=1))


def recovery(supports: Supports, concepts: Sequence[str], truth: GroundTruth) -> dict[str, np.ndarray]:
    """Judge supports: precision, recall (of all and of each kind), F1, hallucinated share and binding error, each (n,).

    Those in `POOLED` also with the suffix `_pooled`.

    Args:
        supports: Concepts of each sample.
        concepts: Their names.
        truth: Of the same samples.

    Returns:
        Measures by name.
    """
    return Judge(concepts, truth).recovery(supports)


def pooled(parts: np.ndarray, wholes: np.ndarray) -> np.ndarray:
    """Return (n,) values whose mean is the ratio of sums r, linearised so that their spread is that of r.

        valueᵢ = r + (partᵢ − r · wholeᵢ) / mean(whole)          r = Σ part / Σ whole

    Args:
        parts: Of each sample what is counted, (n,).
        wholes: Of each sample what it is a share of, (n,).

    Returns:
        Zeros where there is no whole.

    References:
        Cochran. Sampling techniques, 3rd ed., section 2.11. Wiley 1977.
    """
    if not wholes.any():
        return np.zeros(len(parts))
    ratio = parts.sum() / wholes.sum()
    return ratio + (parts - ratio * wholes) / wholes.mean()


def names_something(concepts: Sequence[str], truth: GroundTruth) -> bool:
    """Say whether any concept names a thing of the benchmark; atoms without a name can recover nothing.

    Args:
        concepts: Names of atoms.
        truth: Knows the words of the benchmark.
    """
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
        (for that `top_k`), `_any_sign` (a negative code names its concept, too) and, of concepts sampled by their use,
        `_null`, the latter also for main recall and what is pooled; the null of the average precision is that of the
        codes of other samples.
    """
    supports = supports_of(codes)
    others = torch.from_numpy(np.random.default_rng(seed).permutation(len(codes)))
    judge = Judge(codes.concepts, truth)
    judged = judge.recovery(supports)
    judged["average_precision"] = judge.average_precision(codes)
    judged["average_precision_null"] = judge.average_precision(codes.select(others))
    short = ("precision", "recall", "f1")
    main = ("recall_main", *(f"{name}_pooled" for name in POOLED))
    for suffix, replaced, names in (
        (f"_in_top{top_k}", [support[:top_k] for support in supports], short),
        ("_any_sign", supports_of(codes, any_sign=True), short),
        ("_null", draw_supports(supports, codes.num_concepts, seed), (*short, *main)),
    ):
        values = judge.recovery(replaced)
        judged |= {name + suffix: values[name] for name in names if name in values}
    return judged
