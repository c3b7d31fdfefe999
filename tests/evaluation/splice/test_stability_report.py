"""The report of a run: its tables are those of the functions, its shares count codes."""

import pytest
import torch

from splice_exp.core.errors import SpliceError
from splice_exp.core.measures import Measures
from splice_exp.decomposition.splice import decompose
from splice_exp.embeddings.geometry import Alignment, center
from splice_exp.evaluation.measures.stability import interchangeable, selection_frequency
from splice_exp.evaluation.splice.stability_report import LassoStability, NoStability
from splice_exp.solvers.active_set import ActiveSet
from splice_exp.solvers.omp import OMP
from splice_exp.solvers.path import LassoPath
from tests.decomposition.test_splice import DICTIONARY, IMAGES, MEAN

TARGETS = center(IMAGES.features, MEAN)[0]


def report(solver, **options):
    decomposition = decompose(IMAGES, DICTIONARY, solver, Alignment(), MEAN)
    return decomposition.codes, LassoStability(**options).look(decomposition, IMAGES, solver)


def test_shares_count_codes():
    codes, found = report(ActiveSet(l1_penalty=0.1), epsilon=0.02)
    expected = interchangeable(codes, TARGETS, DICTIONARY, 0.1, 0.02)
    table = found.tables["stability/exchanges"]
    assert table.drop(columns="sample_id").equals(expected)
    assert table["sample_id"].tolist() == [IMAGES.sample_ids[row] for row in expected["row"]]
    exchangeable = {(line.row, line.concept) for line in expected.itertuples() if line.other}
    assert exchangeable
    assert found.metrics["stability/interchangeable_share"] == len(exchangeable) / len(codes.values)
    dispensable = (codes.values.double() ** 2 < 0.02).sum() / len(codes.values)
    assert found.metrics["stability/dispensable_share"] == pytest.approx(float(dispensable))
    assert "stability/selection" not in found.tables


def test_rows_are_judged_at_their_own_penalties():
    """Where a path chose them."""
    solver = LassoPath(l1_penalty=1e-3, target_l0=4)
    codes, found = report(solver, epsilon=0.02)
    solution = solver.solve(solver.prepare(DICTIONARY.atoms), TARGETS)
    for row, l1_penalty in enumerate(solution.l1_penalty.tolist()):
        one = torch.tensor([row])
        expected = interchangeable(codes.select(one), TARGETS[one], DICTIONARY, l1_penalty, 0.02)
        exchanges = found.tables["stability/exchanges"]
        costs = exchanges[exchanges["row"] == row]["cost"].to_numpy()
        assert costs == pytest.approx(expected["cost"].to_numpy())


def test_frequencies_on_request():
    solver = ActiveSet(l1_penalty=0.1)
    codes, found = report(solver, resamples=5, seed=3)
    frequency = selection_frequency(solver, TARGETS, DICTIONARY.atoms, 5, 3).dense()
    table = found.tables["stability/selection"]
    assert len(table) == int((frequency > 0).sum())
    for line in table.itertuples():
        assert line.frequency == float(frequency[line.row, DICTIONARY.index(line.concept)])
    own = frequency[codes.dense() != 0]
    Measures(LassoStability.measures).require(found.metrics)
    assert found.metrics["stability/frequency_mean"] == pytest.approx(float(own.mean()))
    assert own.mean() > frequency[codes.dense() == 0].mean()


def test_only_codes_of_the_lasso_can_be_asked():
    with pytest.raises(SpliceError, match=r"solver is OMP: set stability=none"):
        LassoStability().require(OMP())
    LassoStability().require(ActiveSet())
    NoStability().require(OMP())


@pytest.mark.parametrize(
    ("options", "message"),
    [({"epsilon": -1}, r"^epsilon is -1"), ({"resamples": -1}, r"^resamples is -1")],
)
def test_wrong_options(options, message):
    with pytest.raises(SpliceError, match=message):
        LassoStability(**options)
