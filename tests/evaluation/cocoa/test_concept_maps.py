"""Maps of concepts add up to the map of the embedding, and lie on the objects that the concepts are true of."""

import numpy as np
import pytest
import torch

from splice_exp.attribution.priors import Random
from splice_exp.attribution.removal import Mean
from splice_exp.attribution.rise import Rise
from splice_exp.core.errors import SpliceError
from splice_exp.evaluation.cocoa.concept_maps import ConceptMaps, _coded, _of_those_there, _owner, _questions
from tests.evaluation.studies import study_of


@pytest.fixture(scope="module")
def study():
    return study_of("data=scenes_pairs", "data.num_samples=8")


def test_parts_and_residual_are_the_centred_embedding(study):
    coded = _coded(study)
    for row, one in enumerate(coded):
        weights = _questions(coded, "plain").of(range(row, row + 1)).weights[0].double()
        assert len(weights) == max(len(other.names) for other in coded) + 2
        torch.testing.assert_close(weights[:-1].sum(dim=0), weights[-1], atol=1e-6, rtol=1e-5)
        assert not weights[len(one.names) : -2].any()
    one = coded[0]
    # Each dual direction sees its own atom, and hardly the others: as far as the ridge allows.
    torch.testing.assert_close(
        one.dual @ one.atoms.T, torch.eye(len(one.names), dtype=torch.float64), atol=0.05, rtol=0
    )
    contrasted = _questions(coded, "contrasted").of(range(1)).weights[0, 0].double()
    value = one.parts[0].norm()
    expected = value * (one.atoms[0] - one.atoms[1:].mean(dim=0))
    torch.testing.assert_close(contrasted, expected, atol=1e-6, rtol=1e-5)


def test_a_concept_belongs_to_the_only_object_it_is_true_of():
    objects = [frozenset({"red", "star", "small"}), frozenset({"blue", "ring", "small"})]
    assert _owner(frozenset({"red"}), objects) == 0
    assert _owner(frozenset({"blue", "ring"}), objects) == 1
    assert _owner(frozenset({"small"}), objects) is None
    assert _owner(frozenset({"grass"}), objects) is None
    assert _owner(frozenset({"red", "ring"}), objects) is None


def test_pictures_without_a_value_do_not_count():
    values = _of_those_there(np.array([1.0, np.nan, 3.0, np.nan]))
    assert values.mean() == pytest.approx(2)
    assert _of_those_there(np.array([1.0, 3.0])).tolist() == [1, 3]


@pytest.mark.slow
def test_maps_lie_on_their_objects_and_add_up(study):
    method = Rise(num_masks=400, grid=8)
    found = {
        direction: ConceptMaps(method, Mean(), direction, steps=8, shown=1, bootstrap_resamples=20).evaluate(study)
        for direction in ("plain", "biorthogonal")
    }
    for direction in found:
        metrics = found[direction].metrics
        assert metrics["concept_maps/pointing"] > metrics["concept_maps/pointing_null"] + 0.4
        assert metrics["concept_maps/deletion_own"] < metrics["concept_maps/deletion_other"]
        assert metrics["concept_maps/insertion_own"] > metrics["concept_maps/insertion_other"]
    assert found["plain"].metrics["concept_maps/additivity"] < 1e-3
    assert "concept_maps/additivity" not in found["biorthogonal"].metrics
    names = found["plain"].tables["maps"]["name"].tolist()
    assert names[-1] == "residual"
    assert names[:-1] == [name for name, _ in study.decomposition.top(4)[0]]
    null = ConceptMaps(Random(), Mean(), steps=2, bootstrap_resamples=20).evaluate(study).metrics
    assert null["concept_maps/pointing"] < 0.5


def test_data_without_known_objects_are_refused():
    with pytest.raises(SpliceError, match="needs objects whose pixels and concepts are known, but planted has none"):
        ConceptMaps(Random(), Mean()).evaluate(study_of("data=planted", "data.num_samples=4"))
