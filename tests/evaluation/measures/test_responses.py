"""Responses that are known by hand: of a perfect code, of a wrong one, of one that does not move."""

import numpy as np
import pytest
import torch

from splice_exp.core.codes import Codes
from splice_exp.core.truth import GroundTruth
from splice_exp.evaluation.measures.meanings import as_matrix, correlations, matched_meanings, named_meanings
from splice_exp.evaluation.measures.responses import expected, others_of_group, respond

KINDS = {"red": "colour", "blue": "colour", "star": "shape", "heart": "shape", "snow": "scene", "badge": "mark"}
WORDS = {word: word for word in KINDS} | {"crimson": "red", "winter": "winter"}
NAMES = ("red", "crimson", "blue", "star", "heart", "snow", "red star", "guitar", "red guitar", "winter")


def truth_of(*samples, held_out=("badge",)):
    """Each sample: its objects as words, and the words of its context."""
    return GroundTruth(
        WORDS,
        KINDS,
        tuple(tuple(frozenset(one.split()) for one in objects) for objects, _ in samples),
        tuple(frozenset(context.split()) for _, context in samples),
        held_out=frozenset(held_out),
    )


def asked_of(first, second, names=NAMES):
    truth = truth_of(first, second)
    return expected(named_meanings(names, truth), truth, [0], [1])


def status(first, second):
    found = asked_of(first, second)
    return {name: int(value) for name, value in zip(NAMES, found.status[0], strict=True) if value}


def left_out(first, second):
    return {name for name, kept in zip(NAMES, asked_of(first, second).counted[0], strict=True) if not kept}


def codes(*rows):
    return Codes.from_dense(torch.tensor(rows, dtype=torch.float32))


def test_what_comes_and_what_goes():
    assert status((["red star"], "snow"), (["blue star"], "snow")) == {
        "red": -1,
        "crimson": -1,
        "blue": 1,
        "red star": -1,
    }
    assert status((["red star"], "snow winter"), (["red star"], "")) == {"snow": -1, "winter": -1}
    assert status((["red star"], ""), (["red star"], "")) == {}


def test_concepts_of_a_name_belong_to_one_object():
    assert status((["red heart", "blue star"], ""), (["blue heart", "red star"], "")) == {"red star": 1}
    assert status((["blue star"], ""), (["blue star", "red heart"], "")) == {"red": 1, "crimson": 1, "heart": 1}


def test_what_is_true_of_more_objects_is_left_out():
    one, two = (["red star", "blue heart"], "snow"), (["red star", "red heart"], "snow")
    assert status(one, two) == {"blue": -1}
    assert left_out(one, two) == {"red", "crimson"}
    assert left_out((["red star", "red star"], ""), (["red star"], "")) == {"red", "crimson", "star", "red star"}
    assert left_out((["red star"], "snow"), (["red star", "blue heart"], "snow")) == set()  # snow is of no object


def test_a_name_with_a_word_that_stands_for_nothing_is_about_nothing():
    truth = truth_of((["red star"], ""))
    found = dict(zip(NAMES, named_meanings(NAMES, truth), strict=True))
    assert found["guitar"] == found["red guitar"] == frozenset()
    assert found["red star"] == {"red", "star"}
    assert found["crimson"] == {"red"}


def test_what_the_vocabulary_cannot_name_is_known():
    found = asked_of((["red star"], ""), (["red star"], "badge"))
    assert not found.nameable[0]
    assert found.comes[0]
    assert not found.goes[0]
    assert asked_of((["red star"], ""), (["blue star"], "badge")).nameable[0]


ASKED = asked_of((["red star"], ""), (["blue star"], ""), ("red", "blue", "star"))


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ([1, 0, 1], [0, 1, 1], {"direction": 1, "silent": 0, "selectivity": 1, "flips": 2, "false_flips": 0}),
        ([0, 1, 1], [1, 0, 1], {"direction": 0, "silent": 0, "selectivity": 1, "flips": 2, "false_flips": 0}),
        ([1, 0, 1], [1, 0, 1], {"direction": 0.5, "silent": 1, "selectivity": 0, "flips": 0, "false_flips": 0}),
        ([1, 0, 1], [1, 0, 0], {"direction": 0.5, "silent": 1, "selectivity": 0, "flips": 1, "false_flips": 1}),
        ([1, 0, 1], [0.5, 0, 1], {"direction": 0.75, "silent": 0.5, "selectivity": 1, "flips": 0, "false_flips": 0}),
        ([2, 0, 1], [1, 1, 3], {"direction": 1, "silent": 0, "selectivity": 0.5, "flips": 1, "false_flips": 0}),
        ([1, 1, 1], [2, 2, 1], {"direction": 0.5, "silent": 0, "selectivity": 1, "flips": 0, "false_flips": 0}),
    ],
)
def test_responses_by_hand(before, after, found):
    measured = respond(codes(before), codes(after), ASKED)
    assert {name: values.tolist() for name, values in measured.items()} == {
        name: pytest.approx([value]) for name, value in found.items()
    }


def test_what_is_left_out_does_not_count():
    asked = asked_of((["red star", "blue heart"], ""), (["red star", "red heart"], ""), ("red", "blue", "star"))
    measured = respond(codes([1, 1, 1]), codes([9, 0, 0]), asked)
    assert measured["selectivity"].tolist() == [0.5]  # blue 1, star 1
    assert (measured["flips"].tolist(), measured["false_flips"].tolist()) == ([2], [1])


def test_a_permuted_judgement_of_a_perfect_code_finds_nothing_that_is_not_shared():
    """Pairs that change one concept each, all different: the change of another pair is never one's own."""
    size = 8
    words = [f"w{index}" for index in range(size)]
    truth = GroundTruth(
        {word: word for word in words},
        dict.fromkeys(words, "kind"),
        tuple(objects for word in words for objects in ((), (frozenset([word]),))),
        (frozenset(),) * (2 * size),
    )
    before, after = list(range(0, 2 * size, 2)), list(range(1, 2 * size, 2))
    asked = expected(named_meanings(words, truth), truth, before, after)
    first, second = Codes.from_dense(torch.zeros(size, size)), Codes.from_dense(torch.eye(size))
    perfect, other = (respond(first, second, one) for one in (asked, asked.select(np.roll(np.arange(size), 1))))
    assert perfect["direction"].tolist() == perfect["selectivity"].tolist() == [1] * size
    assert other["direction"].tolist() == [0.5] * size
    assert other["selectivity"].tolist() == [0] * size
    assert other["false_flips"].tolist() == [1] * size


def test_others_are_of_the_same_group_and_never_oneself():
    groups = np.array([0, 1, 0, 1, 0, 2, 1, 0, 2])
    others = others_of_group(groups, 3)
    assert sorted(others) == list(range(9))
    assert (groups[others] == groups).all()
    assert (others != np.arange(9)).all()
    assert others_of_group(np.array([0, 1, 1]), 0)[0] == 0


def test_correlations_are_pearsons():
    random = np.random.default_rng(0)
    dense = random.random((40, 5)) * (random.random((40, 5)) < 0.4)
    dense[:, 3] = 0
    there = (random.random((40, 3)) < 0.5).astype(float)
    there[:, 2] = 1
    found = correlations(as_matrix(Codes.from_dense(torch.tensor(dense))), there)
    for atom in (0, 1, 2, 4):
        for concept in (0, 1):
            assert found[atom, concept] == pytest.approx(np.corrcoef(dense[:, atom], there[:, concept])[0, 1])
    assert (found[3] == 0).all()
    assert (found[:, 2] == 0).all()


def test_atoms_are_matched_with_what_they_go_with_and_several_with_one():
    random = np.random.default_rng(1)
    samples = [([f"{colour} {shape}"], "") for colour, shape in zip(*_drawn(random), strict=True)]
    truth = truth_of(*samples)
    there = {word: np.array([word in objects[0] for objects, _ in samples]) for word in ("red", "blue", "star")}
    noise = random.random(len(samples)) < 0.5
    columns = [there["red"] * 0.7, there["blue"] & noise, there["red"] & noise, there["star"], np.zeros(len(samples))]
    found = matched_meanings(codes(*np.stack(columns, axis=1).astype(float).tolist()), truth)
    assert found == (frozenset(["red"]), frozenset(["blue"]), frozenset(["red"]), frozenset(["star"]), frozenset())


def test_an_atom_that_met_a_rare_concept_once_is_not_matched_with_it():
    samples = [(["red star"], "")] * 60
    samples[7] = (["red star"], "badge")
    samples[:20] = [(["blue star"], context) for _, context in samples[:20]]
    active = np.zeros(60)
    active[[7, 24, 29, 43]] = 1  # with the badge once, else with red
    found = matched_meanings(codes(*active[:, None].tolist()), truth_of(*samples))
    assert found != (frozenset(["badge"]),)


def _drawn(random):
    return random.choice(["red", "blue"], 80), random.choice(["star", "heart"], 80)
