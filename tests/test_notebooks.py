"""Notebooks run from first cell to last, in an empty folder and without a network; the value of each cell is shown."""

import ast
import json
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

NOTEBOOKS = sorted((Path(__file__).parents[1] / "docs" / "notebooks").glob("*.ipynb"))


def cells_of(path):
    """Return the code of a notebook, cell by cell."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def run(cell, names):
    """Execute a cell, and return the value of its last expression, as Jupyter does."""
    body = ast.parse(cell).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "cell", "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), "cell", "eval"), names)


def shown(value):
    """Return what a notebook shows of a value: its HTML where it has one."""
    html = getattr(value, "_repr_html_", None)
    return (html and html()) or repr(value)  # figures have a method that returns nothing here


@pytest.mark.filterwarnings("ignore:The model of the synthetic benchmark:UserWarning")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_to_its_end_and_what_it_says_is_so(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict = {"__name__": "__main__"}
    values = {cell: run(cell, names) for cell in cells_of(path)}
    assert all(shown(value) for value in values.values() if value is not None)
    assert sum(isinstance(value, Figure) for value in values.values()) == 2
    (difference,) = (value for cell, value in values.items() if "by_array.codes" in cell)
    (found,) = (value for cell, value in values.items() if "g > 0.1 and w == 0" in cell)
    assert difference == 0
    assert found
    assert (tmp_path / "without_grass").is_dir()
    plt.close("all")


def test_committed_notebooks_hold_no_outputs():
    for path in NOTEBOOKS:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            assert not cell.get("outputs")
