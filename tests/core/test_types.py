import pytest
import torch

from splice_exp.core.errors import SpliceError, require_at_least, require_bool, require_integer, require_names
from splice_exp.core.matrices.unit_rows import checked_features
from splice_exp.core.types import Dictionary, Embeddings


def test_features_are_normalised_in_float32():
    features = checked_features(torch.tensor([[3.0, 4.0], [0.0, 1e-3]], dtype=torch.float16), "path")
    assert features.dtype == torch.float32
    torch.testing.assert_close(features.norm(dim=1), torch.ones(2))


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (torch.tensor([[1.0, 0], [float("nan"), 1], [1, float("inf")]]), r"^path has NaN or infinite.*rows 1, 2"),
        (torch.tensor([[1.0, 0], [0, 0]]), r"^path has only zeros.*rows 1"),
        (torch.ones(3), r"shape \(3,\)"),
        (torch.ones(3, 2, dtype=torch.int64), "int64"),
        (torch.ones(0, 2), r"shape \(0, 2\)"),
    ],
)
def test_impossible_features_are_refused(features, message):
    with pytest.raises(SpliceError, match=message):
        checked_features(features, "path")


def test_many_bad_rows_are_counted():
    with pytest.raises(SpliceError, match=r"9 \(and 40 more\)"):
        checked_features(torch.zeros(50, 2), "path")


def test_selecting_classes_renumbers_labels():
    embeddings = Embeddings(torch.eye(4), torch.tensor([0, 1, 2, 1]), tuple("abcd"), ("x", "y", "z"), "image", "id")
    kept = embeddings.with_classes([2, 1])
    assert kept.classes == ("z", "y")
    assert kept.labels.tolist() == [1, 0, 1]
    assert kept.sample_ids == ("b", "c", "d")
    assert torch.equal(kept.features, torch.eye(4)[1:])


def test_a_dictionary_is_asked_by_name():
    dictionary = Dictionary(torch.eye(3), ("eyewear", "visor", "hat"), torch.zeros(3))
    assert dictionary.index("visor") == 1
    assert "hat" in dictionary
    with pytest.raises(SpliceError, match=r"'visors' among the 3.*nearest: 'visor'"):
        dictionary.index("visors")
    with pytest.raises(SpliceError, match="distinct concepts.*hat"):
        Dictionary(torch.eye(3), ("hat", "visor", "hat"), torch.zeros(3))


def test_tiny_rows_become_unit_rows_too():
    features = checked_features(torch.tensor([[1e-20, 2e-20]]), "path")
    torch.testing.assert_close(features.norm(dim=1), torch.ones(1))


@pytest.mark.parametrize(
    ("check", "value", "message"),
    [
        (require_bool, "no", "'no', but must be true or false"),
        (require_bool, 0, "0, but must be true or false"),
        (require_names, "dog", r"'dog', but must be a list of names"),
        (require_names, ["dog", 3], r"\['dog', 3\], but must be a list of names"),
        (lambda key, value: require_integer(key, value, 1), 2.5, "2.5, but must be an integer of at least 1"),
        (lambda key, value: require_integer(key, value, 1), True, "True, but must be an integer"),
    ],
)
def test_kinds_are_checked(check, value, message):
    with pytest.raises(SpliceError, match=rf"^some\.key is {message}"):
        check("some.key", value)


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "abc", None, True])
def test_numbers_are_checked_by_value_and_key(value):
    with pytest.raises(SpliceError, match=r"solver\.tol is .* at least 0"):
        require_at_least("solver.tol", value, 0)
