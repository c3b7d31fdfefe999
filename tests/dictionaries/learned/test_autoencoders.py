"""Each kind of autoencoder finds atoms that were put in, which its first weights do not; and does what is its own."""

import os
import signal
import threading

import pandas as pd
import pytest
import torch

from splice_exp.core.errors import SpliceError
from splice_exp.dictionaries.learned import fitting
from splice_exp.dictionaries.learned.archetypal import Archetypal
from splice_exp.dictionaries.learned.autoencoder import Autoencoder, compose_sparse, largest
from splice_exp.dictionaries.learned.batch_top_k import BatchTopK
from splice_exp.dictionaries.learned.jump_relu import Count, Jump
from splice_exp.dictionaries.learned.matching_pursuit import MatchingPursuit
from splice_exp.dictionaries.learned.matryoshka import Levels, Prefixes
from splice_exp.dictionaries.learned.relu import Relu
from splice_exp.distributed import preemption
from splice_exp.solvers.objective import value
from tests.conftest import unit_rows
from tests.dictionaries.learned.cases import ACTIVE, AUTOENCODERS, DIM, SIZE, autoencoder, recovered, rows


def fitted(builder, folder):
    targets = rows()[1]
    return builder.read(builder.fit(targets, folder), targets)


@pytest.mark.slow
@pytest.mark.parametrize("kind", AUTOENCODERS)
def test_atoms_that_were_put_in_are_found(kind, tmp_path):
    targets = rows()[1]
    atoms, encoder = fitted(autoencoder(kind), tmp_path)
    codes = encoder.encode(targets)
    left = (targets - codes @ atoms).square().sum(dim=1).mean()
    untrained, first = fitted(autoencoder(kind, trained=False), tmp_path)
    torch.testing.assert_close(atoms.norm(dim=1), torch.ones(SIZE))
    assert (codes >= 0).all()
    assert not atoms.requires_grad
    assert recovered(atoms) > 0.85 > recovered(untrained) + 0.05
    assert left < 0.5 * (targets - first.encode(targets) @ untrained).square().sum(dim=1).mean()
    l0 = float((codes > 0).sum(dim=1).double().mean())
    assert l0 <= SIZE / 2 if kind == "relu" else l0 == pytest.approx(ACTIVE, abs=0.6)


@pytest.mark.parametrize("kind", AUTOENCODERS)
def test_sparse_codes_are_those_of_the_encoder(kind, tmp_path):
    targets = torch.cat([rows()[1][:300], torch.zeros(1, DIM)])
    _, encoder = fitted(autoencoder(kind, trained=False), tmp_path)
    found, dense = encoder.codes(targets), encoder.encode(targets)
    assert torch.equal(found.dense(), dense)
    assert torch.equal(found.l0(), (dense > 0).sum(dim=1))


def test_curves_say_how_it_went(tmp_path):
    autoencoder("top_k", epochs=6).fit(rows()[1], tmp_path)
    curves = pd.read_csv(tmp_path / "curves.csv")
    assert list(curves.columns) == ["epoch", "loss", "unexplained", "l0", "dead"]
    assert curves["epoch"].tolist() == list(range(6))
    assert curves["unexplained"].iloc[-1] < 0.7 * curves["unexplained"].iloc[0] < 1
    assert curves["l0"].iloc[-1] == pytest.approx(ACTIVE, abs=0.1)
    assert not (tmp_path / "last.ckpt").exists()


def test_the_seed_decides_everything(tmp_path):
    first, again, other = (
        autoencoder("batch_top_k", epochs=2, seed=seed).fit(rows()[1], tmp_path) for seed in (3, 3, 4)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["decoder"], other["decoder"])


@pytest.mark.parametrize("kind", ["batch_top_k", "archetypal"])
def test_a_training_that_was_killed_goes_on_to_the_same_weights(kind, tmp_path, monkeypatch):
    whole = autoencoder(kind, epochs=4).fit(rows()[1], tmp_path / "whole")
    step, killed = fitting.Fit.training_step, tmp_path / "killed"

    def dies(self, batch, index):
        if self.current_epoch == 2 and index == 5:
            raise RuntimeError("killed")
        return step(self, batch, index)

    monkeypatch.setattr(fitting.Fit, "training_step", dies)
    with pytest.raises(RuntimeError, match="killed"):
        autoencoder(kind, epochs=4).fit(rows()[1], killed)
    seen = []
    monkeypatch.setattr(
        fitting.Fit, "training_step", lambda self, *batch: seen.append(self.current_epoch) or step(self, *batch)
    )
    resumed = autoencoder(kind, epochs=4).fit(rows()[1], killed)
    assert set(seen) == {2, 3}
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert len(pd.read_csv(killed / "curves.csv")) == 4


def test_a_training_that_is_asked_to_stop_does_so_after_an_epoch(tmp_path, monkeypatch):
    step, seen = fitting.Fit.training_step, []

    def asked(self, batch, index):
        seen.append(self.current_epoch)
        if len(seen) == 30:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(self, batch, index)

    monkeypatch.setattr(preemption, "_asked", threading.Event())
    monkeypatch.setattr(fitting.Fit, "training_step", asked)
    with preemption.preemptible(), pytest.raises(preemption.Preempted):
        autoencoder("top_k", epochs=4).fit(rows()[1], tmp_path)
    assert set(seen) == {0, 1}  # 24 steps each
    monkeypatch.setattr(preemption, "_asked", threading.Event())
    seen.clear()
    autoencoder("top_k", epochs=4).fit(rows()[1], tmp_path)
    assert set(seen) == {2, 3}


def test_the_loss_of_relu_is_the_objective_of_the_solvers():
    network, targets = Relu(DIM, SIZE, 0.3), rows()[1][:50]
    step = network.step(targets, torch.zeros(SIZE, dtype=torch.bool))
    objective = value(targets, network.atoms(), network.encode(targets), 0.3)
    torch.testing.assert_close(step.loss, objective.mean())


def test_dead_atoms_learn_from_what_is_left_over():
    network, targets, none = Autoencoder(DIM, SIZE), rows()[1][:50], torch.zeros(SIZE, dtype=torch.bool)
    with torch.no_grad():
        network.bias[0] = -10  # never active
    network.step(targets, none).loss.backward()
    assert not network.decoder.grad[0].any()
    with torch.no_grad():
        network.bias[0] = 0
    network.select = lambda scores: scores.relu() * (torch.arange(SIZE) > 0)
    network.zero_grad()
    network.step(targets, torch.arange(SIZE) == 0).loss.backward()
    assert network.decoder.grad[0].any()


def test_sparse_codes_are_composed_as_dense_ones_are():
    atoms = [unit_rows(SIZE, DIM, 0).requires_grad_() for _ in range(2)]
    codes = [largest(unit_rows(30, SIZE, 1).relu(), 3) for _ in range(2)]
    codes[0][4] = codes[1][4] = 0
    for one in codes:
        one.requires_grad_()
    sparse, dense = compose_sparse(codes[0], atoms[0]), codes[1] @ atoms[1]
    torch.testing.assert_close(sparse, dense)
    for found in (sparse, dense):
        found.square().sum().backward()
    torch.testing.assert_close(atoms[0].grad, atoms[1].grad)
    torch.testing.assert_close(codes[0].grad, codes[1].grad * (codes[1] > 0))


def test_the_kernel_of_jump_relu():
    """θ moves codes by −θ/ε and counts by −1/ε, for the scores in a rectangle of width ε around it."""
    scores = torch.tensor([[0.30, 0.52], [0.49, 0.90]])
    for function, factor in ((Jump, -0.5 / 0.1), (Count, -1 / 0.1)):
        given, threshold = scores.clone().requires_grad_(), torch.full((2,), 0.5, requires_grad=True)
        found = function.apply(given, threshold, 0.1)
        expected = [[0, 0.52], [0, 0.9]] if function is Jump else [[0, 1.0], [0, 1.0]]
        torch.testing.assert_close(found, torch.tensor(expected))
        found.sum().backward()
        torch.testing.assert_close(threshold.grad, torch.tensor([factor, factor]))
    given = scores.clone().requires_grad_()
    Jump.apply(given, torch.full((2,), 0.5), 0.1).sum().backward()
    torch.testing.assert_close(given.grad, torch.tensor([[0.0, 1], [0, 1]]))


def test_a_batch_shares_its_codes_and_afterwards_a_row_stands_for_itself():
    network = BatchTopK(DIM, SIZE, ACTIVE).train()
    targets = rows()[1][:100]
    counts = (network.encode(targets) > 0).sum(dim=1)
    assert counts.sum() == 100 * ACTIVE
    assert counts.min() < ACTIVE < counts.max()
    network.eval().settle(targets)
    torch.testing.assert_close(network.encode(targets), network.train().encode(targets))
    network.eval()
    torch.testing.assert_close(network.encode(targets)[:1], network.encode(targets[:1]))


def test_prefixes_and_levels_are_codes_cut_short():
    targets = rows()[1][:30]
    network = Prefixes(DIM, SIZE, ACTIVE, (5, SIZE)).train()
    codes, atoms = network.encode(targets), network.atoms()
    short, whole = network.errors(targets, codes)
    torch.testing.assert_close(short, targets - codes[:, :5] @ atoms[:5])
    torch.testing.assert_close(whole, targets - codes @ atoms)
    levels = Levels(DIM, SIZE, ACTIVE, (1, 4)).train()
    codes, atoms = levels.encode(targets), levels.atoms()
    assert (codes > 0).sum(dim=1).max() == 4
    for found, count in zip(levels.errors(targets, codes), (1, 4, ACTIVE), strict=True):
        torch.testing.assert_close(found, targets - largest(codes, count) @ atoms)
    assert (levels.eval().encode(targets) > 0).sum(dim=1).max() == ACTIVE


def test_archetypal_atoms_stay_near_the_data():
    points = rows()[1][:40]
    network = Archetypal(points, SIZE, ACTIVE, 0.2)
    torch.testing.assert_close(network.atoms(), points[:SIZE])
    with torch.no_grad():
        network.mixture += unit_rows(SIZE, 40, 1)
        network.rest += unit_rows(SIZE, DIM, 2)
        network.rest[0] = 0
        network.constrain()
    assert (network.mixture >= 0).all()
    torch.testing.assert_close(network.mixture.sum(dim=1), torch.ones(SIZE))
    assert network.rest.isfinite().all()
    torch.testing.assert_close(network.rest[1:].norm(dim=1), torch.full((SIZE - 1,), 0.2))


def test_matching_pursuit_takes_what_correlates_best():
    network, target = MatchingPursuit(DIM, SIZE, 3), rows()[1][:1]
    atoms, left, codes = network.atoms().detach(), target[0].clone(), torch.zeros(SIZE)
    for _ in range(3):
        correlations = atoms @ left
        best = int(correlations.argmax())
        codes[best] += correlations[best]
        left = left - correlations[best] * atoms[best]
    torch.testing.assert_close(network.encode(target)[0].detach(), codes)


@pytest.mark.parametrize(
    ("kind", "changed", "message"),
    [
        ("top_k", {"target_l0": SIZE + 1}, "^target_l0 is 21, but size is only 20"),
        ("matryoshka", {"shares": (0.5, 0.5)}, r"^shares is \(0.5, 0.5\)"),
        ("matryoshka", {"shares": (0.5, 1.0)}, "^shares is"),
        ("levels", {"levels": (1, SIZE + 1)}, "^levels is"),
        ("levels", {"levels": ()}, "^levels is"),
        ("archetypal", {"num_points": 5}, "^num_points is 5, but must be at least size=20"),
    ],
)
def test_impossible_settings_are_refused(kind, changed, message):
    with pytest.raises(SpliceError, match=message):
        autoencoder(kind, **changed)


def test_more_points_than_rows_are_refused(tmp_path):
    with pytest.raises(SpliceError, match="^num_points is 200, but planted has only 50 rows"):
        autoencoder("archetypal").fit(rows()[1][:50], tmp_path)
