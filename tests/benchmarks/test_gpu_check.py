"""The check of a GPU, on the CPU and on small problems: every case is measured, and it stops in time."""

import sys
from pathlib import Path

import pytest
import torch

FOLDER = Path(__file__).parents[2] / "benchmarks"
SMALL = ("--device", "cpu", "--rows", "32", "--sizes", "60", "90", "120", "--no-tests")


@pytest.fixture
def main(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    from gpu_check import main

    return main


def test_every_case_is_measured_beside_the_ceilings(main, tmp_path):
    main([*SMALL, "--results", str(tmp_path)])
    text = (tmp_path / "tables" / "gpu_check.md").read_text()
    assert "TFLOP/s of products" in text
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    headings, rows = lines[0], lines[2:]
    assert len(rows) == len(sys.modules["gpu_check"].CASES)
    differs = headings.index("differs from the CPU by")
    assert all(float(row[differs]) < 1e-3 for row in rows)
    assert all(float(row[headings.index("products")]) > 0 for row in rows)


def test_what_there_is_no_time_for_says_so(main, tmp_path):
    main([*SMALL, "--results", str(tmp_path), "--minutes", "0"])
    assert (tmp_path / "tables" / "gpu_check.md").read_text().count("no time left") > 10


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_missing_device_is_said(main):
    with pytest.raises(SystemExit, match="torch finds no CUDA device here"):
        main([])
