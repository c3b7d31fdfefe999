import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import normalize

from splice_exp.core.errors import SpliceError
from splice_exp.core.tensors import write_tensors
from splice_exp.core.types import Embeddings
from splice_exp.embeddings.geometry import Alignment, center, image_mean, uncenter
from tests.conftest import unit_rows


def embeddings(rows=6, dim=8):
    return Embeddings(unit_rows(rows, dim, 0), None, tuple(map(str, range(rows))), (), "image", "id")


def test_targets_are_unit_rows_of_the_difference():
    z, mean = unit_rows(5, 8, 0), 0.4 * unit_rows(1, 8, 1)[0]
    x, scale = center(z, mean)
    torch.testing.assert_close(x.norm(dim=1), torch.ones(5))
    torch.testing.assert_close(x * scale[:, None], z - mean)


@given(st.integers(0, 1000), st.floats(0, 0.9))
def test_the_scaled_way_back_of_a_perfect_code_is_the_identity(seed, length):
    z, mean = unit_rows(5, 8, seed), length * unit_rows(1, 8, seed + 1)[0]
    x, scale = center(z, mean)
    torch.testing.assert_close(uncenter(x, mean, scale, "scaled"), z, atol=1e-5, rtol=1e-5)


def test_the_papers_way_back_is_not_and_forgets_the_length_of_the_code():
    z, mean = unit_rows(5, 8, 0), 0.6 * unit_rows(1, 8, 1)[0]
    x, scale = center(z, mean)
    back = normalize(uncenter(x, mean, scale, "paper"), dim=1)
    assert ((back * z).sum(dim=1) < 0.9999).any()
    torch.testing.assert_close(uncenter(0.1 * x, mean, scale, "paper"), uncenter(x, mean, scale, "paper"))
    torch.testing.assert_close(uncenter(x, mean, scale, "paper"), x + mean)


@pytest.mark.parametrize("recompose", ["paper", "scaled"])
def test_no_concepts_leave_the_mean(recompose):
    mean = torch.tensor([0.3, 0.4])
    assert torch.equal(uncenter(torch.zeros(1, 2), mean, torch.ones(1), recompose)[0], mean)


def test_the_estimated_mean_is_not_normalised_again():
    found = image_mean(embeddings())
    torch.testing.assert_close(found, embeddings().features.mean(dim=0))
    assert found.norm() < 0.9


def test_mean_by_file_estimate_and_zero(embedding_files):
    z = Embeddings(unit_rows(3, 16, 0), None, ("a", "b", "c"), (), "image", "id")
    assert Alignment(image_mean=str(embedding_files["M"])).mean_of(z).norm() == pytest.approx(0.5)
    torch.testing.assert_close(Alignment(image_mean="estimate").mean_of(z), z.features.mean(dim=0))
    assert not Alignment(image_mean="zero").mean_of(z).any()


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"mean": torch.ones(4)}, r"^image_mean: .*\(4,\).*8 wide"),
        ({"mean": torch.full((8,), float("nan"))}, "NaN or infinite"),
        ({"mean": torch.ones(8), "other": torch.ones(8)}, "holds 2 tensors"),
        ({"mean": torch.ones(2, 4)}, r"shape \(2, 4\)"),
        ({"mean": torch.ones(5, 8)}, "has 5 rows, but a mean is one"),
        ({"mean": torch.ones(8)}, r"has norm 2\.828, but the mean of unit rows has at most 1"),
    ],
)
def test_a_mean_that_does_not_fit_is_refused(tmp_path, tensors, message):
    write_tensors(tmp_path / "M.safetensors", tensors)
    with pytest.raises(SpliceError, match=message):
        Alignment(image_mean=str(tmp_path / "M.safetensors")).mean_of(embeddings())


def saved(path, mean):
    if path.suffix == ".npy":
        np.save(path, mean.numpy())
    elif path.suffix == ".safetensors":
        write_tensors(path, {"mean": mean})
    else:
        torch.save(mean, path)
    return str(path)


@pytest.mark.parametrize("name", ["M.pt", "M.pth", "M.npy", "M.safetensors"])
def test_means_are_read_as_torch_numpy_and_safetensors_write_them(tmp_path, name):
    mean = torch.arange(8) / 20
    for shape in ((8,), (1, 8), (8, 1)):
        file = saved(tmp_path / name, mean.reshape(shape))
        assert torch.equal(Alignment(image_mean=file).mean_of(embeddings()), mean)


def test_nothing_in_the_file_of_a_mean_is_executed(tmp_path):
    torch.save(tmp_path, tmp_path / "M.pt")  # an object of Python
    np.save(tmp_path / "M.npy", np.array([{"a": 1}], dtype=object))
    (tmp_path / "N.pt").write_bytes(b"no such thing")
    for name in ("M.pt", "M.npy", "N.pt"):
        with pytest.raises(SpliceError, match=rf"^image_mean: .*{name} (is damaged|cannot be read|is no file)"):
            Alignment(image_mean=str(tmp_path / name)).mean_of(embeddings())


def test_other_files_are_refused_as_means(tmp_path):
    (tmp_path / "M.txt").write_text("0.1")
    with pytest.raises(SpliceError, match=r"M.txt', but the file of a mean ends in .safetensors, .pt, .pth, .npy"):
        Alignment(image_mean=str(tmp_path / "M.txt")).mean_of(embeddings())


def test_a_mean_that_is_not_there_is_refused():
    with pytest.raises(SpliceError, match=r"^image_mean is 'estimat'.*official, estimate, zero"):
        Alignment(image_mean="estimat").mean_of(embeddings())
    with pytest.raises(SpliceError, match=r"^recompose is 'half'.*paper, scaled"):
        Alignment(recompose="half")
