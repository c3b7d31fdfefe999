import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError

NAMES = ("ant", "bee", "cow", "dog", "eel")

dense_rows = arrays(
    "float32",
    st.tuples(st.integers(1, 6), st.just(5)),
    elements=st.sampled_from([0.0, 0.0, 0.5, 1.25, -2.0]),
).map(torch.from_numpy)


@given(dense_rows)
def test_dense_and_back(dense):
    codes = Codes.from_dense(dense, NAMES)
    assert torch.equal(codes.dense(), dense)
    assert torch.equal(codes.l0(), (dense != 0).sum(dim=1))
    assert len(codes.values) == int((dense != 0).sum())  # nothing that is zero is stored


@given(dense_rows)
def test_product_with_atoms(dense):
    atoms = torch.arange(15.0, dtype=torch.float64).reshape(5, 3).cos()
    torch.testing.assert_close(Codes.from_dense(dense) @ atoms, dense.double() @ atoms)


@given(dense_rows, st.data())
def test_select_and_concatenate(dense, data):
    rows = torch.tensor(data.draw(st.lists(st.integers(0, len(dense) - 1), max_size=8)), dtype=torch.int64)
    codes = Codes.from_dense(dense, NAMES)
    assert torch.equal(codes.dense(rows), dense[rows])
    assert torch.equal(Codes.concatenate([codes, codes.select(rows)]).dense(), torch.cat([dense, dense[rows]]))


def test_without_is_by_name_and_keeps_the_columns():
    codes = Codes.from_dense(torch.tensor([[1.0, 2, 0, 3, 0], [0, 0, 0, 4, 5]]), NAMES)
    kept = codes.without(["dog", "ant"])
    assert kept.dense().tolist() == [[0, 2, 0, 0, 0], [0, 0, 0, 0, 5]]
    assert kept.concepts == NAMES
    assert codes.dense()[0, 0] == 1  # nothing is mutated


def test_unknown_concept_is_named_with_its_neighbours():
    codes = Codes.from_dense(torch.eye(5), NAMES)
    with pytest.raises(SpliceError, match=r"'dogs'.*nearest: 'dog'"):
        codes.without(["dogs"])


def test_mean_by_class():
    codes = Codes.from_dense(torch.tensor([[1.0, 0, 0], [3, 0, 2], [0, 5, 0]]))
    means = codes.mean_by(torch.tensor([0, 0, 2]), num_classes=4)
    assert means.tolist() == [[2, 0, 1], [0, 0, 0], [0, 5, 0], [0, 0, 0]]


def test_top_is_sorted_and_leaves_out_inactive_concepts():
    codes = Codes.from_dense(torch.tensor([[0.5, 0, 0.75, 0, 0.25], [0, 0, 0, 0, 0]]), NAMES)
    assert codes.top(2) == [[("cow", 0.75), ("ant", 0.5)], []]
    assert [name for name, _ in codes.top(9)[0]] == ["cow", "ant", "eel"]


def test_an_empty_product_is_zero():
    assert (Codes.from_dense(torch.zeros(2, 3)) @ torch.ones(3, 4)).tolist() == [[0] * 4] * 2


def test_mismatches_are_refused():
    with pytest.raises(ValueError, match="2 names for 3 concepts"):
        Codes.from_dense(torch.ones(1, 3), ("a", "b"))
    with pytest.raises(ValueError, match="3 concepts do not fit 2 atoms"):
        Codes.from_dense(torch.ones(1, 3)) @ torch.ones(2, 4)


def test_codes_are_picklable():
    codes = Codes.from_dense(torch.eye(5), NAMES)
    assert torch.equal(pickle.loads(pickle.dumps(codes)).dense(), torch.eye(5))
