import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from splice_exp.core.codes import Codes
from splice_exp.core.truth import GroundTruth
from splice_exp.evaluation.measures.recovery import (
    Judge,
    average_precisions,
    draw_supports,
    names_something,
    pooled,
    recovery,
    recovery_measures,
    supports_of,
)

CONCEPTS = ("red", "crimson", "blue", "star", "heart", "sky", "red star", "red heart", "guitar", "grass")
TRUTH = GroundTruth(
    {word: word for word in ("red", "blue", "star", "heart", "sky", "grass")} | {"crimson": "red"},
    {"red": "colour", "blue": "colour", "star": "shape", "heart": "shape", "sky": "scene", "grass": "scene"},
    ((frozenset({"red", "star"}), frozenset({"blue", "heart"})),),
    (frozenset({"sky"}),),
    ("shape", "scene"),
)  # one sample: a red star and a blue heart in the sky


def judged(*names):
    values = recovery([[CONCEPTS.index(name) for name in names]], CONCEPTS, TRUTH)
    return {name: float(value[0]) for name, value in values.items()}


def codes_of(**weights):
    row = torch.zeros(1, len(CONCEPTS))
    for name, weight in weights.items():
        row[0, CONCEPTS.index(name.replace("_", " "))] = weight
    return Codes.from_dense(row, CONCEPTS)


def test_pooled_is_the_ratio_of_sums_and_spreads_like_it():
    random = np.random.default_rng(0)
    wholes = random.integers(1, 8, size=4000)
    parts = random.binomial(wholes, 0.9 - 0.05 * wholes)
    values = pooled(parts, wholes)
    ratio = parts.sum() / wholes.sum()
    assert values.mean() == pytest.approx(ratio)
    assert abs((parts / wholes).mean() - ratio) > 0.02  # another question than the mean of shares
    draws = random.integers(len(parts), size=(2000, len(parts)))
    resampled = parts[draws].sum(axis=1) / wholes[draws].sum(axis=1)
    assert values.std() / len(parts) ** 0.5 == pytest.approx(resampled.std(), rel=0.1)


def test_pooled_of_nothing_is_zero():
    assert pooled(np.zeros(2), np.zeros(2)).tolist() == [0, 0]


def test_pooled_recall_counts_words_not_samples():
    truth = GroundTruth(
        TRUTH.concept_of,
        TRUTH.kind_of,
        (*TRUTH.objects, ()),
        (*TRUTH.contexts, frozenset({"grass"})),
        TRUTH.main_kinds,
    )  # three words to be found in the first sample, one in the second
    found = recovery([[CONCEPTS.index("grass")], [CONCEPTS.index("grass")]], CONCEPTS, truth)
    assert found["recall_main"].mean() == 1 / 2
    assert found["recall_main_pooled"].mean() == 1 / 4


def test_all_words_of_a_sample_are_a_perfect_recovery():
    for names in (("red", "star", "blue", "heart", "sky"), ("red star", "blue", "heart", "sky", "crimson")):
        found = judged(*names)
        assert found["precision"] == found["recall"] == found["f1"] == 1
        assert found["hallucinated"] == found["misbound"] == 0


def test_values_are_those_computed_by_hand():
    found = judged("crimson", "guitar", "red heart", "grass")
    # named: red, guitar, heart, grass; true: red, star, blue, heart, sky
    assert found["precision"] == 2 / 4
    assert found["recall"] == 2 / 5
    assert found["f1"] == pytest.approx(2 * 0.5 * 0.4 / 0.9)
    assert found["hallucinated"] == 1 / 4  # guitar; grass is of the benchmark, but not here
    assert found["misbound"] == 1 / 4  # red heart: both words are true, of two objects
    assert found["recall_colour"] == found["recall_shape"] == 1 / 2
    assert found["recall_scene"] == 0
    assert found["recall_main"] == 1 / 3


def test_nothing_named_is_nothing_recovered():
    assert set(judged().values()) == {0.0}


def test_negative_codes_name_nothing_and_the_order_is_by_size():
    codes = codes_of(red=0.2, star=0.5, sky=-0.9, heart=0.2)
    assert [[CONCEPTS[index] for index in support] for support in supports_of(codes)] == [["star", "red", "heart"]]
    assert [CONCEPTS[index] for index in supports_of(codes, any_sign=True)[0]] == ["sky", "star", "red", "heart"]
    measures = recovery_measures(codes_of(red=0.5, guitar=-0.4), TRUTH, top_k=5, seed=0)
    assert measures["precision"][0] == 1
    assert measures["precision_any_sign"][0] == 1 / 2


def test_average_precision_ranks_words_by_the_sum_of_their_codes():
    # star .5 + .2, red .2 + .3 (crimson), guitar .6; then blue, heart, sky at 0 with grass and the other words
    codes = codes_of(star=0.5, red_star=0.2, crimson=0.3, guitar=0.6)
    words = 7  # red, blue, star, heart, sky, grass, guitar
    expected = (1 / 1 + 2 / 3 + 3 * 5 / words) / 5
    assert Judge(CONCEPTS, TRUTH).average_precision(codes)[0] == pytest.approx(expected)
    perfect = codes_of(red=0.5, star=0.4, blue=0.3, heart=0.2, sky=0.1)
    assert Judge(CONCEPTS, TRUTH).average_precision(perfect)[0] == 1


@given(st.lists(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=9, max_size=9), min_size=1, max_size=4))
def test_average_precision_is_that_of_scikit_learn(scored):
    scores, true = (np.array([[one[part] for one in row] for row in scored]) for part in (0, 1))
    scores, true = scores[true.any(axis=1)], true[true.any(axis=1)]
    if len(true):
        expected = [average_precision_score(*row) for row in zip(true, scores, strict=True)]
        np.testing.assert_allclose(average_precisions(scores, true), expected)


def test_atoms_without_a_name_recover_nothing():
    assert names_something(("guitar", "crimson star"), TRUTH)
    assert not names_something(("random 0", "learned 1"), TRUTH)


def test_the_null_draws_as_many_concepts_by_their_use():
    supports = [[0, 1]] * 300 + [[0, 2, 3]] * 100
    drawn = draw_supports(supports, 10, seed=0)
    assert [len(support) for support in drawn] == [len(support) for support in supports]
    assert all(len(set(support)) == len(support) for support in drawn)
    used = np.bincount(np.concatenate(drawn), minlength=10)
    assert used[4:].sum() == 0
    assert used[0] > used[1] > used[2]
    assert draw_supports([[], []], 10, seed=0) == [[], []]
    assert draw_supports(supports, 10, seed=0) == drawn


@given(st.lists(st.lists(st.floats(-1, 1, width=32), min_size=10, max_size=10), min_size=1, max_size=4))
def test_everything_is_a_share(rows):
    codes = Codes.from_dense(torch.tensor(rows, dtype=torch.float32), CONCEPTS)
    measures = recovery_measures(codes, TRUTH.select([0] * len(rows)), top_k=3, seed=0)
    assert {"recall_main_null", "recall_main_pooled_null", "precision_pooled_null"} <= set(measures)
    assert {"precision", "recall_in_top3", "f1_null", "average_precision", "average_precision_null"} <= set(measures)
    for name, values in measures.items():
        assert values.shape == (len(rows),)
        values = values.mean() if "_pooled" in name else values
        assert ((values >= 0) & (values <= 1)).all()
    assert (measures["recall_in_top3"] <= measures["recall"]).all()
