import pytest
import torch

from splice_exp.core.errors import SpliceError
from splice_exp.data.planted import Planted

PARTS = {"objects": ["car", "cat"], "colours": ["red"], "backgrounds": ["sky", "snow", "sand"]}


def test_a_sample_depends_on_seed_and_index_only():
    few, many, other = Planted(5, **PARTS), Planted(50, **PARTS), Planted(5, **PARTS, seed=1)
    assert few.inputs(0, 5) == many.inputs(0, 5) == [many.inputs(i, i + 1)[0] for i in range(5)]
    assert few.inputs(0, 5) != other.inputs(0, 5)
    assert torch.equal(few.labels, many.labels[:5])


def test_labels_name_the_object_that_is_in_the_mixture():
    data = Planted(40, **PARTS)
    for mixture, label in zip(data.inputs(0, 40), data.labels.tolist(), strict=True):
        assert data.classes[label] in mixture.weights
        assert len(mixture.weights) == 3
        assert all(0.5 <= weight <= 1 for weight in mixture.weights.values())
    assert set(data.labels.tolist()) == {0, 1}


def test_the_last_batch_is_short():
    assert len(Planted(5, **PARTS).inputs(4, 8)) == 1


def test_bad_parameters_are_named():
    with pytest.raises(SpliceError, match=r"^objects is empty"):
        Planted(5, **{**PARTS, "objects": []})
    with pytest.raises(SpliceError, match=r"^num_samples is 0"):
        Planted(0, **PARTS)
