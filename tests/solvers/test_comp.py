"""Coherent pursuit is that of a reference written here, and its options do what they say."""

import numpy as np
import pytest
import torch
import yaml
from scipy.optimize import nnls

from splice_exp.configuration import CONFIG_DIRECTORY
from splice_exp.core.errors import SpliceError
from splice_exp.solvers import search
from splice_exp.solvers.comp import COMP
from splice_exp.solvers.matching_pursuit import MatchingPursuit
from splice_exp.solvers.omp import OMP
from splice_exp.solvers.top_k import TopK
from tests.conftest import correlated_atoms, planted_targets, unit_rows

ATOMS = correlated_atoms(80, 24, seed=3).double()
TARGETS = planted_targets(ATOMS, 16, seed=4)


def solve(solver, atoms=ATOMS, targets=TARGETS):
    return solver.solve(solver.prepare(atoms), targets)


def reference(atoms, target, size, coherence, fitting):
    """One row, in NumPy and by SciPy's nonnegative least squares."""
    support, codes = [], np.zeros(0)
    for _ in range(size):
        residual = target - codes @ atoms[support] if support else target
        score = atoms @ residual
        if support:
            score = score + coherence * (atoms @ atoms[support].T).mean(axis=1)
        score[support] = -np.inf
        if fitting:
            score[atoms @ residual <= 1e-6] = -np.inf
        if score.max() == -np.inf:
            break
        best = int(score.argmax())
        support.append(best)
        codes, _ = nnls(atoms[support].T, target)
    found = np.zeros(len(atoms))
    found[support] = codes
    return found


@pytest.mark.parametrize("coherence", [0.0, 0.1, 0.3, 2.0])
@pytest.mark.parametrize("size", [1, 5, 9])
@pytest.mark.parametrize("fitting", [True, False])
def test_it_is_the_reference(coherence, size, fitting):
    found = solve(COMP(coherence=coherence, target_l0=size, fitting=fitting)).codes.dense().numpy()
    for row, target in enumerate(TARGETS.numpy()):
        np.testing.assert_allclose(found[row], reference(ATOMS.numpy(), target, size, coherence, fitting), atol=1e-9)


def published(atoms, target, size, coherence, sweeps):
    """The published algorithm for one row; the refit is a cyclic coordinate descent, as the authors do it."""
    chosen, codes = [], np.zeros(len(atoms))
    for _ in range(size):
        score = atoms @ (target - codes @ atoms)
        if chosen:
            score += coherence * atoms @ atoms[chosen].mean(axis=0)
        score[chosen] = -np.inf
        chosen = sorted([*chosen, int(score.argmax())])
        gram, correlations = atoms[chosen] @ atoms[chosen].T, atoms[chosen] @ target
        values = np.linalg.solve(gram + 1e-6 * np.eye(len(chosen)), correlations).clip(min=0)
        for _ in range(sweeps):
            before = values.copy()
            for j in range(len(chosen)):
                values[j] = max(0.0, values[j] - (gram[j] @ values - correlations[j]) / gram[j, j])
            if abs(values - before).max() < 1e-13:
                break
        codes = np.zeros(len(atoms))
        codes[chosen] = values
    return codes


@pytest.mark.parametrize("coherence", [0.2, 0.3, 0.4])
@pytest.mark.parametrize("size", [5, 10])
def test_the_solver_of_the_presets_is_the_published_algorithm(coherence, size):
    options = yaml.safe_load((CONFIG_DIRECTORY / "solver" / "comp_published.yaml").read_text())
    assert options.pop("_target_") == "splice_exp.solvers.comp.COMP"
    found = solve(COMP(**options | {"coherence": coherence, "target_l0": size})).codes.dense().numpy()
    for row, target in enumerate(TARGETS[:6].numpy()):
        np.testing.assert_allclose(found[row], published(ATOMS.numpy(), target, size, coherence, 20_000), atol=1e-8)
    fitting = solve(COMP(coherence=coherence, target_l0=size)).codes.dense().numpy()
    assert size == 5 or abs(fitting - found).max() > 0.01  # the default is another algorithm


def test_codes_of_the_authors_differ_where_their_refit_stops_before_it_is_done():
    near = torch.nn.functional.normalize(ATOMS[:20].repeat(4, 1) + 0.1 * unit_rows(80, 24, 5, torch.float64), dim=1)
    targets = TARGETS[:6]
    found = solve(COMP(coherence=0.3, target_l0=5, fitting=False), near, targets).codes.dense().numpy()
    stopped, done = (
        np.stack([published(near.numpy(), target, 5, 0.3, sweeps) for target in targets.numpy()])
        for sweeps in (100, 20_000)
    )
    assert ((stopped > 1e-12) == (found > 1e-12)).all()
    assert abs(stopped - found).max() > 1e-4
    np.testing.assert_allclose(done, found, atol=1e-8)


def test_without_coherence_it_is_nonnegative_orthogonal_matching_pursuit():
    plain, coherent = solve(OMP(target_l0=6)), solve(COMP(coherence=0, target_l0=6))
    torch.testing.assert_close(plain.codes.dense(), coherent.codes.dense(), atol=1e-12, rtol=1e-9)
    assert coherent.kkt_violation.max() < 1e-10


def test_residuals_fall_and_codes_are_least_squares_on_their_support():
    norms = []
    for size in range(1, 8):
        found = solve(COMP(target_l0=size))
        norms.append((TARGETS - found.codes @ ATOMS).norm(dim=1))
        assert found.kkt_violation.max() < 1e-10
        assert found.duality_gap.isnan().all()
    for more, less in zip(norms[1:], norms, strict=False):
        assert (more <= less + 1e-12).all()


def test_a_planted_code_is_recovered():
    atoms = unit_rows(200, 128, 0, torch.float64)
    support = torch.stack([torch.randperm(200, generator=torch.Generator().manual_seed(row))[:3] for row in range(10)])
    values = torch.rand(10, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 0.5
    planted = torch.zeros(10, 200, dtype=torch.float64).scatter_(1, support, values)
    targets = torch.nn.functional.normalize(planted @ atoms, dim=1)
    found = solve(COMP(target_l0=3, coherence=0.05), atoms, targets).codes.dense()
    assert torch.equal(found > 0, planted > 0)
    torch.testing.assert_close(found, planted / (planted @ atoms).norm(dim=1, keepdim=True))


def test_coherence_makes_lists_alike():
    def likeness(coherence):
        found = solve(COMP(coherence=coherence, target_l0=5)).codes
        lists = [ATOMS[found.indices[a:b]] for a, b in zip(found.indptr[:-1], found.indptr[1:], strict=True)]
        return np.mean([float((rows @ rows.T).mean()) for rows in lists])

    assert likeness(0) < likeness(0.3) < likeness(2.0)


def test_a_cap_keeps_lists_from_repeating_themselves():
    """Every atom is there three times, nearly: without a cap all three may be taken."""
    near = torch.nn.functional.normalize(ATOMS[:20].repeat(3, 1) + 0.02 * unit_rows(60, 24, 5, torch.float64), dim=1)
    free, capped = (solve(COMP(coherence=2.0, target_l0=4, max_cosine=cap), near, TARGETS).codes for cap in (None, 0.9))

    def largest(codes):
        rows = [near[codes.indices[a:b]] for a, b in zip(codes.indptr[:-1], codes.indptr[1:], strict=True)]
        return max(float((one @ one.T).triu(1).max()) for one in rows if len(one) > 1)

    assert largest(free) > 0.99
    assert largest(capped) <= 0.9


def test_an_atom_that_does_not_fit_takes_no_place_and_neither_does_one_that_is_left_at_zero():
    targets = unit_rows(60, 24, 8, torch.float64)
    published, fitting, refilled = (
        solve(COMP(coherence=1.0, target_l0=8, **options), targets=targets)
        for options in ({"fitting": False}, {}, {"refill": True})
    )
    sizes = [float(found.codes.l0().double().mean()) for found in (published, fitting, refilled)]
    assert sizes[0] < sizes[1] < sizes[2] <= 8
    assert refilled.kkt_violation.max() < 1e-10


@pytest.mark.parametrize(
    "solver",
    [OMP(target_l0=5), COMP(), COMP(max_cosine=0.8), TopK(target_l0=5), MatchingPursuit(target_l0=5)],
    ids=lambda solver: f"{type(solver).__name__}",
)
def test_tiles_of_any_size_give_the_same(solver, monkeypatch):
    atoms, targets = ATOMS.float(), TARGETS.float()
    whole = solve(solver, atoms, targets).codes.dense()
    for entries in (16 * 7, 16 * 33):
        monkeypatch.setattr(search, "MAX_TILE_ENTRIES", entries)
        assert torch.equal(solve(solver, atoms, targets).codes.dense(), whole)


@pytest.mark.parametrize("nonnegative", [True, False])
def test_the_highest_are_those_of_a_full_sort(nonnegative):
    queries = unit_rows(9, 24, 7, torch.float64)
    found = search.highest(queries, ATOMS, 7, nonnegative, torch.tensor([[4, -1]]).expand(9, 2))
    scores = queries @ ATOMS.T
    scores = scores if nonnegative else scores.abs()
    scores[:, 4] = -1
    assert torch.equal(found, scores.topk(7, dim=1).indices)
    few = search.highest(queries, ATOMS[:3], 3, nonnegative, torch.tensor([[1]]).expand(9, 1))
    assert (few[:, 2] == search.NONE).all()
    assert (few[:, :2] != 1).all()


def test_of_equal_atoms_the_first_is_taken():
    doubled = torch.cat([ATOMS, ATOMS])
    assert (search.highest(TARGETS, doubled, 1, True) < len(ATOMS)).all()


def test_matching_pursuit_never_refits():
    codes = solve(MatchingPursuit(target_l0=3)).codes.dense()
    for row, target in enumerate(TARGETS):
        residual, expected = target.clone(), torch.zeros(len(ATOMS), dtype=torch.float64)
        for _ in range(3):
            scores = ATOMS @ residual
            scores[expected != 0] = -torch.inf
            best = scores.argmax()
            expected[best] = scores[best]
            residual -= scores[best] * ATOMS[best]
        torch.testing.assert_close(codes[row], expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"coherence": -0.1}, "^coherence is -0.1"),
        ({"max_cosine": 0.0}, r"^max_cosine is 0.0, but must lie in \(0, 1\]"),
        ({"nonnegative": False}, "take solver=omp"),
    ],
)
def test_what_makes_no_sense_is_refused(options, message):
    with pytest.raises(SpliceError, match=message):
        COMP(**options)
