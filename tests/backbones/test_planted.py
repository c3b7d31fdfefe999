import pytest
import torch

from splice_exp.backbones.planted import PlantedBackbone
from splice_exp.core.errors import SpliceError
from splice_exp.core.types import ConceptMixture


def test_the_same_everywhere_and_always():
    texts = ["red", "red star", "star"]
    first, second = PlantedBackbone(seed=3).encode_text(texts), PlantedBackbone(seed=3).encode_text(texts[:1])
    assert torch.equal(first[:1], second)
    assert not torch.equal(first, PlantedBackbone(seed=4).encode_text(texts))


def test_a_phrase_is_near_its_words():
    vectors = PlantedBackbone(gap=0).encode_text(["red", "star", "red star", "blue"])
    cosines = vectors @ vectors.T
    assert cosines[2, 0] > 0.5
    assert cosines[2, 1] > 0.5
    assert cosines[2, 3].abs() < 0.3


def test_without_gap_and_noise_an_image_of_one_concept_is_its_text():
    backbone = PlantedBackbone(gap=0, noise=0)
    image = backbone.encode_images([ConceptMixture({"red star": 0.7}, nuisance=5)])
    torch.testing.assert_close(image, backbone.encode_text(["red star"]))


def test_the_gap_separates_the_modalities():
    backbone = PlantedBackbone(gap=2)
    images = backbone.encode_images([ConceptMixture({name: 1.0}, 0) for name in ("car", "cat", "cup")])
    texts = backbone.encode_text(["car", "cat", "cup"])
    assert (images @ images.T).min() > (images @ texts.T).max()


def test_other_inputs_and_empty_texts_are_refused():
    with pytest.raises(SpliceError, match="data=planted"):
        PlantedBackbone().encode_images(torch.zeros(1, 3))
    with pytest.raises(SpliceError, match="Text 1 is empty"):
        PlantedBackbone().encode_text(["a", " "])
    with pytest.raises(SpliceError, match=r"^noise is -1"):
        PlantedBackbone(noise=-1)


def test_a_bank_vocabulary_has_no_meaning_here():
    with pytest.raises(SpliceError, match="vocabulary=bank"):
        _ = PlantedBackbone().known_texts


def test_a_class_is_the_mean_of_its_texts():
    backbone = PlantedBackbone(class_templates=["{}", "small {}"])
    texts = backbone.encode_text(["star", "small star", "cup", "small cup"])
    expected = torch.stack([texts[0] + texts[1], texts[2] + texts[3]])
    found = backbone.encode_classes(["star", "cup"])
    torch.testing.assert_close(found, expected / expected.norm(dim=1, keepdim=True))


@pytest.mark.parametrize("templates", [[], ["{} and {}"], "a photo of {}"])
def test_templates_have_one_place_for_the_name(templates):
    with pytest.raises(SpliceError, match=r"^class_templates is"):
        PlantedBackbone(class_templates=templates)
