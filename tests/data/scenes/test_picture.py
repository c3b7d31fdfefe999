from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from splice_exp.data.scenes.captions import NUM_CAPTIONS, captions
from splice_exp.data.scenes.drawing.render import masks, render
from splice_exp.data.scenes.frequencies import ATTRACTION, PRESENCE, favourite, zipf
from splice_exp.data.scenes.picture import draw_picture, num_objects, relation_of
from splice_exp.data.scenes.placement import SIDE
from splice_exp.data.scenes.sources import SPLITS, random_of
from splice_exp.data.scenes.strays import BOILERPLATE, STRAY_NOUNS
from splice_exp.data.scenes.world import (
    AMBIGUOUS,
    ATTRIBUTES,
    CONCEPT_OF,
    FAMILIES,
    FAMILY_OF,
    FINE_SHAPES,
    KIND_OF,
    OBJECT_ATTRIBUTES,
    SHAPES,
    SURROUNDINGS,
    with_ambiguous,
)

NOISE = sorted((*BOILERPLATE, *STRAY_NOUNS), key=len, reverse=True)


def pictures(split, size, objects=None):
    randoms = [random_of(split, 0, index) for index in range(size)]
    return [draw_picture(random, [{}] * (objects or num_objects(random))) for random in randoms]


def named_in(text):
    """Return the concepts that a caption names, its noise left out; the longest names first."""
    for phrase in NOISE:
        text = text.removeprefix(f"{phrase} ").removesuffix(f" {phrase}")
    text, found = f" {text.replace(',', '')} ", set()
    for word in sorted(CONCEPT_OF, key=len, reverse=True):
        if f" {word} " in text:
            found.add(CONCEPT_OF[word])
            text = text.replace(f" {word} ", "  ")
    return found


def test_there_are_250_concepts_of_16_kinds():
    assert len(KIND_OF) == sum(map(len, ATTRIBUTES.values())) >= 250  # no concept is of two kinds
    assert len(ATTRIBUTES) == 16
    assert set(FAMILY_OF) == set(SHAPES)
    assert sum(map(len, FAMILIES.values())) == len(SHAPES)


def test_some_words_mean_two_things():
    assert {"rose", "bow", "winter"} <= set(AMBIGUOUS)
    assert all(len(meanings) == 2 for meanings in AMBIGUOUS.values())
    assert all(len({KIND_OF[meaning] for meaning in meanings}) == 2 for meanings in AMBIGUOUS.values())
    assert "rose" in with_ambiguous(frozenset({"flower"}))
    assert "rose" in with_ambiguous(frozenset({"pink"}))
    assert "rose" not in with_ambiguous(frozenset({"red"}))


def test_distractors_stand_for_nothing():
    noise = {word for phrase in NOISE for word in phrase.split()}
    assert not noise & {part for word in CONCEPT_OF for part in word.split()}


@pytest.mark.parametrize("kind", ["surface", "size", "shape"])
def test_concepts_of_an_object_follow_zipf(kind):
    drawn = pictures("train", 3000, 1)
    found = Counter(getattr(picture.objects[0], kind) for picture in drawn)
    for name, share in zip(ATTRIBUTES[kind], zipf(len(ATTRIBUTES[kind])), strict=True):
        spread = (len(drawn) * share * (1 - share)) ** 0.5
        assert abs(found[name] - len(drawn) * share) < 5 * spread + 1
    assert found.most_common(1)[0][0] == next(iter(ATTRIBUTES[kind]))


def test_what_surrounds_is_there_as_often_as_planned():
    drawn = pictures("train", 3000)
    for kind in SURROUNDINGS:
        share = np.mean([kind in picture.surroundings for picture in drawn])
        assert abs(share - PRESENCE[kind]) < 5 * 0.5 / len(drawn) ** 0.5


def test_kinds_attract_each_other_as_planned():
    drawn = pictures("train", 4000)
    shares = dict(zip(ATTRIBUTES["scene"], zipf(len(ATTRIBUTES["scene"])), strict=True))
    hits, expected = 0.0, 0.0
    for picture in drawn:
        liked = favourite("scene", picture.objects[0].family)
        hits += picture.scene == liked
        expected += ATTRACTION + (1 - ATTRACTION) * shares[liked]
    assert abs(hits - expected) < 5 * (len(drawn) * 0.25) ** 0.5
    colours = dict(zip(ATTRIBUTES["colour"], zipf(len(ATTRIBUTES["colour"])), strict=True))
    alone = [picture.objects[0] for picture in drawn]
    hits = sum(placed.colour == favourite("colour", placed.shape) for placed in alone)
    expected = sum(ATTRACTION + (1 - ATTRACTION) * colours[favourite("colour", placed.shape)] for placed in alone)
    assert abs(hits - expected) < 5 * (len(alone) * 0.25) ** 0.5


def test_splits_share_no_picture():
    seen = [set(map(repr, pictures(split, 500))) for split in SPLITS]
    assert all(len(part) == 500 for part in seen)
    assert len(set.union(*seen)) == 1500


def test_what_is_given_is_kept_and_looks_differ():
    for index in range(100):
        random = random_of("val", 3, index)
        picture = draw_picture(
            random, [{"shape": "star"}, {"shape": "star"}, {"part": "hat"}], "snow", {"mark": "badge"}
        )
        assert len({(placed.shape, placed.colour) for placed in picture.objects}) == 3
        assert picture.objects[0].shape == picture.objects[1].shape == "star"
        assert picture.objects[2].part == "hat"
        assert picture.scene == "snow"
        assert picture.surroundings == {"mark": "badge"}
        assert all(placed.size == "small" for placed in picture.objects[1:])


def test_two_objects_given_alike_are_refused():
    alike = {"shape": "star", "colour": "red"}
    with pytest.raises(ValueError, match="red star"):
        draw_picture(random_of("val", 0, 0), [alike, alike])


@pytest.mark.parametrize("objects", [1, 2, 5])
def test_masks_are_the_visible_pixels_of_each_object(objects):
    for picture in pictures("test", 20, objects):
        picture = replace(picture, surroundings={})
        found = masks(picture)
        assert found.shape == (objects, SIDE, SIDE)
        assert found.sum(axis=0).max() <= 1
        for index in range(objects):
            without = replace(picture, objects=picture.objects[:index] + picture.objects[index + 1 :])
            changed = (render(without) != render(picture)).any(axis=2)
            # Every pixel of the object changes when it goes, but for a few whose colour is that of what is behind it;
            # pixels outside its mask change only where it covers them by half or less.
            assert (changed & found[index]).sum() >= 0.85 * found[index].sum()
            assert (changed & ~found[index]).sum() <= 0.8 * found[index].sum() + 40


def test_borders_and_marks_belong_to_no_object():
    for picture in pictures("test", 40, 3):
        framed = replace(picture, surroundings={"border": "polaroid"})
        assert not masks(framed)[:, -17:].any()
        assert not masks(framed)[:, :, :4].any()


def test_most_of_most_objects_is_visible():
    shares = []
    for picture in pictures("test", 150):
        for visible, placed in zip(masks(picture), picture.objects, strict=True):
            (alone,) = masks(replace(picture, objects=(placed,), surroundings={}))
            assert alone.sum() >= 60
            shares.append(visible.sum() / alone.sum())
    assert np.mean(np.array(shares) >= 0.5) >= 0.95
    assert np.mean(np.array(shares) < 0.95) >= 0.1  # some are partly hidden


def test_every_look_is_another_image():
    (picture,) = pictures("val", 1, 1)
    picture = replace(picture, surroundings={})
    (placed,) = picture.objects
    rendered = set()
    for kind in (*OBJECT_ATTRIBUTES, "part"):
        values = [*ATTRIBUTES[kind], *(FINE_SHAPES if kind == "shape" else ())]
        for value in values:
            changed = replace(placed, **{kind: value}, row=42, column=42)
            rendered.add(render(replace(picture, objects=(changed,))).tobytes())
    wanted = sum(len(ATTRIBUTES[kind]) for kind in (*OBJECT_ATTRIBUTES, "part")) + len(FINE_SHAPES)
    same = len(OBJECT_ATTRIBUTES) - 1 + (placed.part is not None) + 1  # of the image itself; a star of five is a star
    assert len(rendered) == wanted - same
    around = {render(replace(picture, scene=scene)).tobytes() for scene in ATTRIBUTES["scene"]}
    around |= {
        render(replace(picture, surroundings={kind: concept})).tobytes()
        for kind in SURROUNDINGS
        for concept in ATTRIBUTES[kind]
    }
    assert len(around) == len(ATTRIBUTES["scene"]) + sum(len(ATTRIBUTES[kind]) for kind in SURROUNDINGS)


def test_relations_are_those_of_the_pixels():
    seen = set()
    for picture in pictures("test", 300, 2):
        first, second = picture.objects
        relation = relation_of(first, second)
        seen.add(relation)
        if relation in ("left of", "right of"):
            assert (first.column < second.column) == (relation == "left of")
        elif relation in ("above", "below"):
            assert (first.row < second.row) == (relation == "above")
        assert relation in picture.concepts
    assert seen == set(ATTRIBUTES["relation"])


def test_captions_name_nothing_false_but_in_their_noise():
    seen = set()
    for picture in pictures("test", 400):
        texts = captions(picture)
        assert len(texts) == NUM_CAPTIONS
        assert texts == captions(picture)
        true = with_ambiguous(picture.concepts)
        for text in texts:
            named = named_in(text)
            assert named
            assert named <= true, (text, named - true)
            seen |= named
        assert named_in(texts[0]) & with_ambiguous(frozenset({picture.scene}))
    assert {KIND_OF[concept] for concept in seen if concept in KIND_OF} == set(ATTRIBUTES)


def test_a_caption_says_what_lies_how():
    said = 0
    for picture in pictures("test", 200, 2):
        text = captions(picture)[3]
        if " left of " in text:
            left, right = text.split(" left of ")
            first, second = picture.objects
            assert named_in(left) & {first.colour, *with_ambiguous(frozenset({first.colour}))}
            assert named_in(right) & {second.colour, *with_ambiguous(frozenset({second.colour}))}
            said += 1
    assert said >= 5


def test_fine_shapes_count_as_what_captions_call_them():
    picture = draw_picture(random_of("test", 0, 0), [{"shape": "star with six points"}])
    assert "star" in picture.concepts
    assert set(FINE_SHAPES.values()) <= set(SHAPES)
    assert render(picture).dtype == np.uint8
