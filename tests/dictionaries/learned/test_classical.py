"""Classical methods: their encoders against scikit-learn, and factorisations that get better with every update."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import nnls
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import PCA
from torch.nn.functional import normalize

from splice_exp.core.errors import SpliceError
from splice_exp.dictionaries.learned.factorizations import (
    ConvexFactorization,
    NonnegativeFactorization,
    SemiNonnegativeFactorization,
)
from splice_exp.dictionaries.learned.scikit_learn import (
    DictionaryLearning,
    IndependentComponents,
    KMeans,
    PrincipalComponents,
)
from tests.dictionaries.learned.cases import DIM, SIZE, TRAIN, recovered, rows


def read(builder, targets, folder):
    return builder.read(builder.fit(targets, folder), targets)


def test_principal_components_reconstruct_as_in_scikit_learn(tmp_path):
    targets = rows()[1]
    atoms, encoder = read(PrincipalComponents(train=TRAIN, size=10), targets, tmp_path)
    found = PCA(5, random_state=0).fit(targets.double().numpy())
    expected = found.inverse_transform(found.transform(targets.double().numpy()))
    codes = encoder.encode(targets)
    assert (codes >= 0).all()
    assert not (codes[:, :5] * codes[:, 5:]).any()  # an atom or its opposite
    np.testing.assert_allclose((codes @ atoms + encoder.shift).numpy(), expected, atol=1e-5)
    torch.testing.assert_close(atoms[:5], -atoms[5:])


def test_all_independent_components_reconstruct_exactly(tmp_path):
    targets = rows()[1]
    atoms, encoder = read(IndependentComponents(train=TRAIN, size=2 * DIM), targets, tmp_path)
    torch.testing.assert_close(atoms.norm(dim=1), torch.ones(2 * DIM))
    torch.testing.assert_close(encoder.encode(targets) @ atoms + encoder.shift, targets, atol=1e-4, rtol=0)


def test_a_row_has_the_code_of_its_nearest_centre(tmp_path):
    targets = rows()[1]
    atoms, encoder = read(KMeans(train=TRAIN, size=SIZE), targets, tmp_path)
    fitted = MiniBatchKMeans(SIZE, random_state=0, n_init=3, batch_size=4096).fit(targets.numpy())
    codes = encoder.encode(targets)
    assert (codes > 0).sum(dim=1).max() == 1
    np.testing.assert_array_equal(codes.argmax(dim=1).numpy(), fitted.predict(targets.numpy()))
    unit = normalize(atoms, dim=1)
    best = (targets * unit[codes.argmax(dim=1)]).sum(dim=1)  # the projection on the centre
    torch.testing.assert_close(codes.amax(dim=1), best)


def test_dictionary_learning_finds_atoms_that_were_put_in(tmp_path):
    atoms, encoder = read(DictionaryLearning(train=TRAIN, size=SIZE, l1_penalty=0.1), rows()[1], tmp_path)
    assert encoder is None
    assert recovered(atoms) > 0.85


def unexplained(atoms, targets):
    return sum(nnls(atoms.double().T.numpy(), row)[1] ** 2 for row in targets.double().numpy()) / len(targets)


@pytest.mark.parametrize("kind", [NonnegativeFactorization, SemiNonnegativeFactorization, ConvexFactorization])
def test_factorisations_get_better_with_every_update(kind, tmp_path):
    targets = rows()[1][:300]
    options = {"num_points": 100} if kind is ConvexFactorization else {}
    builder = kind(train=TRAIN, size=8, **options)
    errors = [unexplained(read(replace(builder, max_iter=n), targets, tmp_path)[0], targets) for n in (1, 10, 60)]
    assert errors[0] > errors[1] > errors[2] > 0


def test_atoms_of_a_convex_factorisation_are_sums_of_rows(tmp_path):
    targets = rows()[1][:100]
    atoms = ConvexFactorization(train=TRAIN, size=5, num_points=100, max_iter=20).fit(targets, tmp_path)["atoms"]
    for atom in atoms.double().numpy():
        assert nnls(targets.double().T.numpy(), atom)[1] < 1e-5 * np.linalg.norm(atom)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: PrincipalComponents(train=TRAIN, size=9), "^size is 9, but must be even"),
        (lambda folder: PrincipalComponents(train=TRAIN, size=40).fit(rows()[1], folder), "^size is 40, .* at most 32"),
        (
            lambda folder: ConvexFactorization(train=TRAIN, size=9, num_points=8),
            "^num_points is 8, but must be at least size=9",
        ),
        (lambda folder: KMeans(train=TRAIN, size=40).fit(rows()[1][:30], folder), "^size is 40, .* only 30 rows"),
    ],
)
def test_more_than_the_rows_allow_is_refused(make, message, tmp_path):
    with pytest.raises(SpliceError, match=message):
        make(tmp_path)
