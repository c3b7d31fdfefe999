import pytest

from splice_exp.core.truth import GroundTruth

TRUTH = GroundTruth(
    {"red": "red", "crimson": "red", "blue": "blue", "star": "star", "heart": "heart", "sky": "sky"},
    {"red": "colour", "blue": "colour", "star": "shape", "heart": "shape", "sky": "scene"},
    ((frozenset({"red", "star"}), frozenset({"blue", "heart"})), (frozenset({"blue", "star"}),)),
    (frozenset({"sky"}), frozenset({"sky"})),
)


def test_a_sample_is_its_objects_and_its_context():
    assert TRUTH.concepts(0) == {"red", "star", "blue", "heart", "sky"}
    assert TRUTH.concepts(1) == {"blue", "star", "sky"}
    assert TRUTH.kinds == ("colour", "shape", "scene")


@pytest.mark.parametrize(
    ("name", "concepts"),
    [
        ("crimson star", {"red", "star"}),
        ("Red_Star", {"red", "star"}),
        ("guitar", {"guitar"}),
        ("red guitar", {"red", "guitar"}),
    ],
)
def test_names_stand_for_concepts(name, concepts):
    assert TRUTH.named(name) == concepts


@pytest.mark.parametrize(
    ("concepts", "holds"),
    [
        ({"red", "star"}, True),
        ({"red", "heart"}, False),  # both are there, but not of one object
        ({"star", "sky"}, True),
        ({"sky"}, True),
        ({"guitar"}, False),
        (set(), True),
    ],
)
def test_concepts_hold_together_if_they_are_of_one_object(concepts, holds):
    assert TRUTH.holds(frozenset(concepts), 0) is holds


def test_samples_are_selected_in_order():
    assert TRUTH.select([1, 0]).concepts(0) == TRUTH.concepts(1)
    assert len(TRUTH.select([1])) == 1


def test_objects_and_contexts_belong_together():
    with pytest.raises(ValueError, match="objects of 1"):
        GroundTruth({}, {}, ((),), ())


def test_what_has_no_name_cannot_be_asked_for():
    truth = GroundTruth(
        {"pink": "pink", "rose": "rose", "flower": "flower", "sepia": "sepia"},
        {"pink": "colour", "flower": "shape", "sepia": "camera"},
        ((frozenset({"pink", "rose"}),),),
        (frozenset({"sepia"}),),
        held_out=frozenset({"sepia"}),
    )
    assert truth.concepts(0) == {"pink", "rose", "sepia"}
    assert truth.nameable(0) == {"pink"}  # "rose" may mean a flower, for "sepia" the vocabulary has no word
    assert truth.kinds == ("colour", "shape")
    assert truth.known == {"pink", "rose", "flower", "sepia"}
