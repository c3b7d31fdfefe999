"""The same sweep under every launcher: the same run directories, the same numbers."""

import pytest

from tests.test_cli import FAST, command, metrics_of, run_here  # noqa: F401  a fixture

pytestmark = pytest.mark.xdist_group("launchers")  # the sweep that they are compared with is made once
SWEEP = ("experiment=ablation_nonneg", *FAST, "hydra.sweeper.params.seed=0", "solver.l1_penalty=0.2")


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """Numbers of the sweep, one point after the other."""
    results = tmp_path_factory.mktemp("basic") / "results"
    assert run_here(results, *SWEEP) == 0
    return metrics_of(results)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("launcher", "only", "rows"), [("joblib", [], 2), ("submitit_local", ["solver.nonnegative=true"], 1)]
)
def test_a_launcher_changes_nothing(command, tmp_path, monkeypatch, here, launcher, only, rows):  # noqa: F811
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # of the processes that it starts
    results = tmp_path / "results"
    code, _, err = command(*SWEEP, *only, f"hydra/launcher={launcher}")
    assert code == 0, err
    found = metrics_of(results)
    assert len(found) == rows
    assert found.items() <= here.items()  # in directories of the same names
    assert len(here) == 2
    assert "Does it cost anything" in (results / "tables" / "ablation_nonneg.md").read_text()


@pytest.mark.parametrize("launcher", ["slurm_cpu", "slurm_gpu"])
def test_without_slurm_its_launchers_say_so(command, launcher):  # noqa: F811
    code, _, err = command(*SWEEP, f"hydra/launcher={launcher}")
    assert code == 1
    assert err.splitlines()[-1].startswith('error: Could not detect "srun"')
    assert "hydra/launcher=joblib" in err
