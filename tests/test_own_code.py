"""Parts that live outside the repository: instantiated only from packages that are trusted, and known by their code."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from splice_exp.core.errors import SpliceError
from splice_exp.core.runs.code import PACKAGE, code_digest, code_of
from splice_exp.core.runs.trusted import require_trusted, source_of, sources
from tests.faults.commands import fork, wait

OUTSIDE = Path(__file__).parent / "outside"


@pytest.fixture
def lab(tmp_path):
    """A folder with the package and its configuration, in another place than the results."""
    return Path(shutil.copytree(OUTSIDE, tmp_path / "my lab", ignore=shutil.ignore_patterns("__pycache__")))


def run(lab, *arguments):
    """Give a command in the folder of the package, whose configuration has a relative path there."""
    return wait(*fork(lab, *words_of(*arguments)))


def words_of(*arguments):
    return ["--config-dir", "conf", *arguments, "logger=none", "trainer=cpu"]


def records(lab, name):
    return {path.parent.name: path.parent for path in lab.glob(f"results/local/runs/{name}/*/metrics.json")}


@pytest.mark.slow
def test_solver_data_dictionary_and_question_of_ones_own(lab):
    command = [sys.executable, "-m", "splice_exp", *words_of("experiment=discs", "trust=[disc_lab]")]
    done = subprocess.run(command, cwd=lab, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    ((first, folder),) = records(lab, "discs").items()
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["disc/named"] > metrics["disc/named_null"]
    environment = json.loads((folder / "environment.json").read_text())
    assert list(environment["trusted"]) == ["disc_lab"]
    page = (lab / "results" / "local" / "tables" / "discs.md").read_text()
    assert "colour is the largest concept" in page
    assert "--config-dir=conf experiment=discs 'trust=[disc_lab]'" in page
    written = (folder / "metrics.json").stat().st_mtime_ns
    assert run(lab, "experiment=discs", "trust=[disc_lab]").code == 0
    assert records(lab, "discs") == {first: folder}
    assert (folder / "metrics.json").stat().st_mtime_ns == written  # complete already
    with (lab / "disc_lab" / "solver.py").open("a") as file:  # another solver is another run
        file.write("\nCHANGED = 1\n")
    assert run(lab, "experiment=discs", "trust=[disc_lab]").code == 0
    assert len(records(lab, "discs")) == 2
    assert first in records(lab, "discs")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["experiment=zero_shot", "solver=correlations"],
            "solver._target_ is 'disc_lab.solver.Correlations', but must be a class of splice_exp, or of a package in "
            "trust: if you trust the code of disc_lab, set trust=[disc_lab].",
        ),
        (["solver=correlations", "trust=[disk_lab]"], "trust has 'disk_lab', but Python finds no such package"),
        (["solver=correlations", "trust=[disc_lab]", "solver.target_l0=0"], "solver.target_l0 is 0, but must be"),
        (["experiment=disc"], "experiment has no choice 'disc': did you mean experiment=discs?"),
        (["solver=correlation"], "solver has no choice 'correlation': did you mean solver=correlations?"),
        (["experiment=discs", "solver.target_l=3"], "solver.target_l cannot be set: did you mean solver.target_l0?"),
    ],
)
def test_what_is_not_trusted_or_not_there_is_refused(lab, arguments, said):
    done = run(lab, *arguments)
    assert done.code == 1
    assert said in done.output


def test_a_package_is_found_without_importing_it(lab, monkeypatch):
    monkeypatch.syspath_prepend(lab)
    (lab / "alone.py").write_text("raise RuntimeError\n")
    assert source_of("disc_lab") == lab / "disc_lab"
    assert source_of("alone") == lab / "alone.py"
    require_trusted(["disc_lab", "alone"])
    assert "disc_lab" not in sys.modules
    for wrong in ("disc_lab.solver", "disk_lab"):
        with pytest.raises(SpliceError, match=f"trust has '{wrong}'"):
            require_trusted([wrong])


def test_the_code_of_own_parts_counts_with_what_they_import(lab, monkeypatch):
    monkeypatch.syspath_prepend(lab)
    (lab / "disc_lab" / "beside.py").write_text("VALUE = 1\n")
    (lab / "disc_lab" / "relative.py").write_text("from .beside import VALUE\nfrom splice_exp.solvers import top_k\n")
    (lab / "alone.py").write_text("from disc_lab import relative\n")
    packages = (PACKAGE, *sources(["disc_lab", "alone"]))
    before = code_digest(["alone.Solver"], *packages)
    (lab / "disc_lab" / "beside.py").write_text("VALUE = 2  # another\n")
    assert code_digest(["alone.Solver"], *packages) != before
    (lab / "disc_lab" / "data.py").write_text("")  # which it does not import
    (lab / "disc_lab" / "beside.py").write_text("VALUE = 1  # as it was\n")
    assert code_digest(["alone.Solver"], *packages) == before


def test_the_cache_tells_own_solvers_apart_by_their_code(lab, monkeypatch):
    monkeypatch.syspath_prepend(lab)
    from disc_lab.solver import Correlations

    before = code_of(Correlations())
    with (lab / "disc_lab" / "solver.py").open("a") as file:
        file.write("\nCHANGED = 1\n")
    assert code_of(Correlations()) != before
    monkeypatch.delitem(sys.modules, "disc_lab.solver")
    monkeypatch.delitem(sys.modules, "disc_lab")
