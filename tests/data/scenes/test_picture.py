import numpy as np
import pytest

from splice_exp.data.scenes.captions import NUM_CAPTIONS, captions
from splice_exp.data.scenes.picture import RADIUS, SIDE, draw_picture, placements
from splice_exp.data.scenes.render import masks, render
from splice_exp.data.scenes.sources import SPLITS, random_of
from splice_exp.data.scenes.world import (
    ATTRIBUTES,
    BOILERPLATE,
    CONCEPT_OF,
    FINE_SHAPES,
    KIND_OF,
    SHAPES,
    STRAY_NOUNS,
)


def pictures(split, size, num_objects=1):
    return [draw_picture(random_of(split, 0, index), [{}] * num_objects) for index in range(size)]


def test_no_word_means_two_things():
    words = [
        word for kind in ATTRIBUTES.values() for concept, synonyms in kind.items() for word in (concept, *synonyms)
    ]
    assert len(words) == len(set(words)) == len(CONCEPT_OF) - len(FINE_SHAPES)
    assert set(CONCEPT_OF.values()) == set(KIND_OF)


def test_distractors_stand_for_nothing():
    noise = {word for phrase in (*BOILERPLATE, *STRAY_NOUNS) for word in phrase.split()}
    assert not noise & set(CONCEPT_OF)


def test_attributes_are_uniform_and_independent_of_the_split():
    drawn = pictures("train", 3000)
    for kind, values in ATTRIBUTES.items():
        found = [getattr(picture if kind == "scene" else picture.objects[0], kind) for picture in drawn]
        expected = len(drawn) / len(values)
        for value in values:  # five standard deviations
            assert abs(found.count(value) - expected) < 5 * expected**0.5


def test_splits_share_no_picture():
    seen = [set(map(repr, pictures(split, 500))) for split in SPLITS]
    assert all(len(part) == 500 for part in seen)
    assert len(set.union(*seen)) == 1500


def test_what_is_given_is_kept_and_looks_differ():
    for index in range(100):
        picture = draw_picture(random_of("val", 3, index), [{"shape": "star"}, {"shape": "star"}, {}], "snow")
        looks = {(placed.shape, placed.colour) for placed in picture.objects}
        assert len(looks) == 3
        assert picture.objects[0].shape == picture.objects[1].shape == "star"
        assert picture.scene == "snow"
        assert sum(placed.size == "large" for placed in picture.objects) <= 1


def test_two_objects_given_alike_are_refused():
    alike = {"shape": "star", "colour": "red"}
    with pytest.raises(ValueError, match="red star"):
        draw_picture(random_of("val", 0, 0), [alike, alike])


@pytest.mark.parametrize("sizes", [("small",), ("large",), ("small", "large"), ("large", "small", "small")])
def test_objects_lie_inside_and_apart(sizes):
    radii = [RADIUS[size] for size in sizes]
    for way in placements(sizes):
        for radius, centre in zip(radii, way, strict=True):
            assert (centre >= radius - 1).all()
            assert (centre <= SIDE - radius + 1).all()
    assert len(placements(sizes)) >= 16


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="do not fit"):
        placements(("large",) * 3)


@pytest.mark.parametrize("num_objects", [1, 2, 3])
def test_masks_are_the_visible_pixels_of_each_object(num_objects):
    from dataclasses import replace

    for picture in pictures("test", 30, num_objects):
        found = masks(picture)
        assert found.shape == (num_objects, SIDE, SIDE)
        assert found.sum(axis=0).max() == 1
        assert found.any(axis=(1, 2)).all()
        for index in range(num_objects):
            without = replace(picture, objects=picture.objects[:index] + picture.objects[index + 1 :])
            changed = (render(without) != render(picture)).any(axis=2)
            # Every pixel of the object changes when it goes, but for a few whose colour is that of the ground; pixels
            # outside its mask change only where it covers them by half or less.
            assert (changed & found[index]).sum() >= 0.85 * found[index].sum()
            outside = changed & ~found[index]
            assert outside.sum() <= 0.8 * found[index].sum()


def test_most_of_each_object_is_visible():
    for picture in pictures("test", 100, 3):
        alone = [masks(type(picture)((placed,), *list(vars(picture).values())[1:]))[0] for placed in picture.objects]
        for visible, whole in zip(masks(picture), alone, strict=True):
            assert visible.sum() >= 0.6 * whole.sum()


def test_every_look_is_another_picture():
    from dataclasses import replace

    (picture,) = pictures("val", 1)
    (placed,) = picture.objects
    rendered = set()
    for kind in ("shape", "colour", "surface", "size"):
        values = [*ATTRIBUTES[kind], *(FINE_SHAPES if kind == "shape" else ())]
        for value in values:
            changed = replace(placed, **{kind: value}, row=32, column=32)
            rendered.add(render(replace(picture, objects=(changed,))).tobytes())
    scenes = {render(replace(picture, scene=scene)).tobytes() for scene in ATTRIBUTES["scene"]}
    assert len(scenes) == len(ATTRIBUTES["scene"])
    # One look of each kind is that of the picture itself; a star of five points is a star.
    assert len(rendered) == sum(len(ATTRIBUTES[kind]) for kind in ("shape", "colour", "surface", "size")) - 3 + 4


def test_the_first_caption_says_all_that_is_true_and_nothing_else():
    for number in (1, 2, 3):
        for picture in pictures("test", 100, number):
            words = captions(picture)[0].replace(",", "").split()
            assert {CONCEPT_OF[word] for word in words if word in CONCEPT_OF} == picture.concepts


def test_captions_name_nothing_false_but_in_their_noise():
    noise = sorted((*BOILERPLATE, *STRAY_NOUNS), key=len, reverse=True)
    for picture in pictures("test", 300, 2):
        texts = captions(picture)
        assert len(texts) == NUM_CAPTIONS
        assert texts == captions(picture)
        for text in texts:
            for phrase in noise:
                text = text.removeprefix(f"{phrase} ").removesuffix(f" {phrase}")
            named = {CONCEPT_OF[word] for word in text.replace(",", "").split() if word in CONCEPT_OF}
            assert named
            assert named <= picture.concepts


def test_fine_shapes_count_as_what_captions_call_them():
    picture = draw_picture(random_of("test", 0, 0), [{"shape": "star with six points"}])
    assert "star" in picture.concepts
    assert set(FINE_SHAPES.values()) <= set(SHAPES)
    assert np.asarray(render(picture)).dtype == np.uint8
