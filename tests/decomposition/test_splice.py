import pytest
import torch

from splice_exp.core.errors import SpliceError
from splice_exp.core.types import Dictionary, Embeddings
from splice_exp.decomposition.splice import decompose
from splice_exp.embeddings.geometry import Alignment, center
from splice_exp.solvers.admm import ADMM
from splice_exp.solvers.least_squares import LeastSquares
from tests.conftest import unit_rows

MEAN = 0.5 * unit_rows(1, 16, 9)[0]
DICTIONARY = Dictionary(unit_rows(24, 16, 1), tuple(f"c{i}" for i in range(24)), torch.zeros(16))
IMAGES = Embeddings(
    torch.nn.functional.normalize(MEAN + 0.5 * unit_rows(10, 16, 2), dim=1),
    None,
    tuple("abcdefghij"),
    (),
    "image",
    "id",
)


def run(alignment=Alignment(), solver=ADMM(l1_penalty=0.1)):  # noqa: B008  both are frozen
    return decompose(IMAGES, DICTIONARY, solver, alignment, MEAN)


def test_codes_are_of_the_centred_images():
    decomposition = run()
    solver = ADMM(l1_penalty=0.1)
    expected = solver.solve(solver.prepare(DICTIONARY.atoms), center(IMAGES.features, MEAN)[0]).codes
    assert torch.equal(decomposition.codes.dense(), expected.dense())
    assert decomposition.codes.concepts == DICTIONARY.concepts


def test_the_way_back_follows_the_paper():
    decomposition = run()
    composed = torch.nn.functional.normalize(decomposition.codes.dense().float() @ DICTIONARY.atoms, dim=1)
    expected = torch.nn.functional.normalize(composed + MEAN, dim=1)
    torch.testing.assert_close(decomposition.reconstruct(), expected)


def test_a_dense_code_and_the_scaled_way_back_return_the_image():
    decomposition = run(Alignment(recompose="scaled"), LeastSquares())
    torch.testing.assert_close(decomposition.reconstruct(), IMAGES.features, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("recompose", ["paper", "scaled"])
def test_cosines_are_with_the_mean_without_it_and_of_the_mean_alone(recompose):
    decomposition = run(Alignment(recompose=recompose))
    found = decomposition.cosines(IMAGES.features)
    cosine = torch.nn.functional.cosine_similarity
    summed = decomposition.codes.dense().float() @ DICTIONARY.atoms
    torch.testing.assert_close(found["plain"].float(), cosine(IMAGES.features, decomposition.reconstruct()))
    torch.testing.assert_close(found["centred"].float(), cosine(IMAGES.features - MEAN, summed))
    torch.testing.assert_close(found["mean_only"].float(), cosine(IMAGES.features, MEAN[None]))


def test_without_centring_there_is_no_mean():
    decomposition = run(Alignment(image=False))
    assert not decomposition.image_mean.any()
    expected = torch.nn.functional.normalize(decomposition.codes @ DICTIONARY.atoms, dim=1)
    torch.testing.assert_close(decomposition.reconstruct(), expected)


def test_no_concepts_leave_the_mean():
    decomposition = run(solver=ADMM(l1_penalty=10.0))
    expected = torch.nn.functional.normalize(MEAN, dim=0).expand(10, 16)
    torch.testing.assert_close(decomposition.reconstruct(), expected)


def test_interventions_are_by_name_and_return_a_new_decomposition():
    before = run()
    dense = before.codes.dense()
    removed = before.intervene(remove=["c3", "c5"], set={"c7": 0.25, "c0": 0.0})
    expected = dense.clone()
    expected[:, [3, 5, 0]] = 0
    expected[:, 7] = 0.25
    assert torch.equal(removed.codes.dense(), expected)
    assert torch.equal(before.codes.dense(), dense)
    assert (removed.codes.indices.diff() > 0).logical_or(removed.codes.rows.diff() > 0).all()  # ascending in each row
    with pytest.raises(SpliceError, match=r"'c24'.*nearest: 'c"):
        before.intervene(remove=["c24"])


def test_an_intervention_moves_the_reconstruction():
    before = run()
    name = before.codes.top(1)[0][0][0]
    after = before.intervene(remove=[name]).reconstruct()
    atom = DICTIONARY.atoms[DICTIONARY.index(name)]
    assert after[0] @ atom < before.reconstruct()[0] @ atom
