"""Pairs of images that differ in one thing: nothing else does, neither in the description nor in the pixels."""

from collections import Counter
from dataclasses import fields

import numpy as np
import pytest

from splice_exp.core.errors import SpliceError
from splice_exp.data.counterfactuals.changes import ALONE, KINDS, changed_object
from splice_exp.data.counterfactuals.scenes import CounterfactualScenes
from splice_exp.data.scenes.placement import RADIUS
from splice_exp.data.scenes.world import ATTRIBUTES, HELD_OUT_KINDS, KIND_OF, OBJECT_ATTRIBUTES, SURROUNDINGS

PER_KIND = 12
MAY_FOLLOW = {
    "shape": {"family"},
    "size": {"relation"},
    "position": {"relation"},
    "presence": {"shape", "colour", "surface", "size", "family", "position", "part", "relation", "count"},
}  # kinds of concepts that change with what is changed


@pytest.fixture(scope="module")
def data():
    return CounterfactualScenes(2 * PER_KIND * len(KINDS), seed=3)


@pytest.fixture(scope="module")
def pixels(data):
    return np.stack([np.asarray(image) for image in data.inputs(0, len(data))])


def differing(one, other):
    """Names of the fields in which two descriptions differ."""
    return {field.name for field in fields(one) if getattr(one, field.name) != getattr(other, field.name)}


def pairs(data, kind):
    return [
        (change, data.pictures[change.before], data.pictures[change.after])
        for change in data.changes()
        if change.kind == kind
    ]


def test_every_kind_takes_its_turn_and_samples_are_in_one_pair(data):
    changes = data.changes()
    assert Counter(change.kind for change in changes) == dict.fromkeys(KINDS, PER_KIND)
    assert [(change.before, change.after) for change in changes] == [(i, i + 1) for i in range(0, len(data), 2)]
    assert set(HELD_OUT_KINDS) < set(KINDS)
    assert len(CounterfactualScenes(33).changes()) == 16  # the last sample has no partner


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("presence", *SURROUNDINGS, "scene")])
def test_one_object_differs_in_one_thing(data, kind):
    for change, before, after in pairs(data, kind):
        assert differing(before, after) == {"objects"}
        assert len(before.objects) == len(after.objects)
        different = [i for i, two in enumerate(zip(before.objects, after.objects, strict=True)) if two[0] != two[1]]
        assert different == [change.changed]
        one, other = before.objects[change.changed], after.objects[change.changed]
        assert differing(one, other) <= ({"row", "column"} if kind == "position" else {kind})
        values = getattr(one, kind), getattr(other, kind)
        assert values[0] != values[1]
        assert kind != "part" or None in values
        rest = [placed for i, placed in enumerate(before.objects) if i != change.changed]
        assert not {getattr(placed, kind) for placed in rest} & set(values) - {None}


def test_an_object_is_there_or_not(data):
    for change, before, after in pairs(data, "presence"):
        assert differing(before, after) == {"objects"}
        more, fewer = sorted((before.objects, after.objects), key=len, reverse=True)
        assert more[: change.changed] + more[change.changed + 1 :] == fewer
        assert len(fewer) >= 1
        assert change.changed == changed_object(before, after)


@pytest.mark.parametrize("kind", ["scene", *SURROUNDINGS])
def test_one_thing_of_the_image_differs(data, kind):
    for change, before, after in pairs(data, kind):
        assert change.changed is None
        if kind == "scene":
            assert differing(before, after) == {"scene"}
            continue
        assert differing(before, after) == {"surroundings"}
        more, fewer = sorted((before.surroundings, after.surroundings), key=len, reverse=True)
        assert {name: concept for name, concept in more.items() if name != kind} == fewer
        assert more[kind] in ATTRIBUTES[kind]


def test_what_goes_and_what_comes_is_as_frequent(data):
    gains = Counter(
        change.kind
        for change in data.changes()
        if len(data.truth().concepts(change.after)) > len(data.truth().concepts(change.before))
    )
    for kind in ("part", "presence", *SURROUNDINGS):
        assert 1 <= gains[kind] < PER_KIND


@pytest.mark.parametrize("kind", KINDS)
def test_the_truth_changes_by_what_is_changed_and_what_follows_from_it(data, kind):
    truth = data.truth()
    for change, _, _ in pairs(data, kind):
        different = truth.concepts(change.before) ^ truth.concepts(change.after)
        kinds = {KIND_OF[concept] for concept in different if concept in KIND_OF}
        assert ({"count"} if kind == "presence" else {kind}) <= kinds <= {kind, *MAY_FOLLOW.get(kind, ())}


def test_pixels_change_where_the_object_is_and_nowhere_else(data, pixels):
    for change in data.changes():
        before, after = data.pictures[change.before], data.pictures[change.after]
        different = (pixels[change.before] != pixels[change.after]).any(axis=2)
        assert different.any() or change.kind == "part"  # of which a border may hide it
        if change.changed is None:
            continue
        if change.kind == "presence":
            placed = [max(before.objects, after.objects, key=len)[change.changed]]
        else:
            placed = [one.objects[change.changed] for one in (before, after)]
        rows, columns = np.nonzero(different)
        inside = np.zeros(len(rows), dtype=bool)
        for one in placed:
            reach = 1.7 * RADIUS[one.size] + 9  # with a part, blurred or in coarse pixels
            inside |= (np.abs(rows - one.row) <= reach) & (np.abs(columns - one.column) <= reach)
        assert inside.all()


def test_scenes_change_behind_objects_alone(data, pixels):
    seen = 0
    for change, before, _ in pairs(data, "scene"):
        if before.surroundings.keys() & {"camera", "lighting", "weather"}:
            continue
        moved = np.abs(pixels[change.before].astype(int) - pixels[change.after]).max(axis=2)
        there = data.masks(change.before).any(axis=0)
        assert (moved[there] > 0).mean() < 0.2  # soft edges, of which less than half is what is behind
        assert moved[there].max() <= 128
        assert moved[~there].mean() > 10
        seen += 1
    assert seen >= 3


def test_no_prop_stands_where_it_would_move(data):
    for kind in ALONE:
        assert all("prop" not in before.surroundings for _, before, _ in pairs(data, kind))


def test_a_pair_does_not_depend_on_how_many_there_are(data):
    assert CounterfactualScenes(30, seed=3).pictures == data.pictures[:30]
    only = CounterfactualScenes(20, kinds=["colour"], max_objects=1)
    assert {change.kind for change in only.changes()} == {"colour"}
    assert all(len(picture.objects) == 1 for picture in only.pictures)


def test_every_attribute_and_surrounding_can_be_changed():
    assert {*OBJECT_ATTRIBUTES, *SURROUNDINGS, "scene", "position", "part", "presence"} == set(KINDS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kinds": ["sound"]}, "^kinds is 'sound'"),
        ({"kinds": []}, r"^kinds is \[\], but"),
        ({"kinds": ["colour", "colour"]}, "each named once"),
        ({"max_objects": 1}, "^max_objects is 1, but must be at most 5, and at least 2"),
        ({"max_objects": 6}, "^max_objects is 6"),
        ({"max_objects": 0, "kinds": ["colour"]}, "^max_objects is 0"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises(SpliceError, match=message):
        CounterfactualScenes(4, **arguments)
