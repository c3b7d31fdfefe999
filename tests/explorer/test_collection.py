"""A data set by its codes."""

import numpy as np
import pytest

from splice_exp.core.errors import SpliceError
from splice_exp.explorer.collection import by_class, concepts_of, histogram, spurious_pairs
from tests.explorer.models import explorer

SPURIOUS = ("data=scenes_spurious", "data.split=train", "data.num_samples=160")


def test_classes_of_a_concept():
    model = explorer()
    values = model.study.decomposition.codes["sand"].double().numpy()
    labels = model.study.embeddings.labels.numpy()
    found = by_class(model, "sand")
    assert sum(one.count for one in found) == 40
    for one in found:
        members = labels == model.study.embeddings.classes.index(one.name)
        assert one.mean == pytest.approx(values[members].mean())
        assert one.active == pytest.approx((values[members] != 0).mean())
    assert [one.mean for one in found] == sorted((one.mean for one in found), reverse=True)


def test_a_histogram_counts_all_that_are_active():
    model = explorer()
    values = model.study.decomposition.codes["sand"]
    bins = histogram(model, "sand")
    assert sum(count for _, _, count in bins) == int((values != 0).sum()) > 0
    assert all(low < high for low, high, _ in bins)


def test_concepts_of_a_class_are_its_mean_codes():
    model = explorer()
    name = model.study.embeddings.classes[int(model.study.embeddings.labels[0])]
    concept, mean = concepts_of(model, name)[0]
    assert mean == pytest.approx(next(one.mean for one in by_class(model, concept) if one.name == name), rel=1e-5)


def test_a_spurious_correlation_is_found_by_its_names():
    """In the training part stars stand on grass: words for grass come with the class, and do not name it."""
    model = explorer(*SPURIOUS)
    pairs = spurious_pairs(model)
    assert [one.correlation for one in pairs] == sorted((one.correlation for one in pairs), reverse=True)
    stars = {one.concept for one in pairs if one.of_class == "star"}
    assert stars & {"grass", "lawn", "meadow"}
    assert not [name for name in stars if "star" in name.split()]
    for one in pairs:
        values = model.study.decomposition.codes[one.concept].numpy() != 0
        members = model.study.embeddings.labels.numpy() == model.study.embeddings.classes.index(one.of_class)
        assert one.inside == pytest.approx(values[members].mean())
        assert one.correlation == pytest.approx(np.corrcoef(values, members)[0, 1])
        assert 0 <= one.true_outside <= 1


def test_names_that_do_not_exist_are_sentences():
    with pytest.raises(SpliceError, match="There is no concept 'sandd'"):
        by_class(explorer(), "sandd")
    with pytest.raises(SpliceError, match="no class of scenes"):
        concepts_of(explorer(), "sandd")


def test_without_classes_there_is_nothing_to_compare(tmp_path):
    for row in range(3):
        explorer().image(row).save(tmp_path / f"{row}.png")
    model = explorer("data=pictures", f"data.paths=[{tmp_path}]", "alignment.image_mean=official")
    assert len(model) == 3
    for question in (lambda: by_class(model, "sand"), lambda: spurious_pairs(model)):
        with pytest.raises(SpliceError, match="These data have no classes"):
            question()
