"""Is this GPU used rightly, and how well? Tests that need it, agreement with the CPU, rows/s, shares of its ceilings.

    python benchmarks/gpu_check.py [--real REAL] [--device cuda] [--rows 4096] [--minutes 6] [--results results]

REAL is a folder of real embeddings (OpenAI CLIP ViT-B/32), as for bench_solvers.py; without it rows and atoms are
sampled. Problems: A 1,585 atoms, B 10,000, C 100,000; 512 dimensions.

Ceilings are measured in the same minutes: float32 products, and copies of a gigabyte. A solver's time is given in
products rows × dictionary, of which it needs at least one; its share of the ceiling is one over that. Memory is the
most that was allocated while it solved. What time does not allow says so. The table is written to
results/tables/gpu_check.md, a section for each card.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import torch
from bench_solvers import Problem, real_problem
from journal import run_heading, write_section
from torch.nn.functional import normalize

from splice_exp.core.text import markdown
from splice_exp.solvers.active_set import ActiveSet
from splice_exp.solvers.admm import ADMM
from splice_exp.solvers.base import Solver
from splice_exp.solvers.comp import COMP
from splice_exp.solvers.fista import FISTA
from splice_exp.solvers.matching_pursuit import MatchingPursuit
from splice_exp.solvers.omp import OMP
from splice_exp.solvers.path import LassoPath
from splice_exp.solvers.top_k import TopK

TESTS = ("tests/solvers", "tests/heads", "-k", "cuda or device")
SIZES = {"A": 1_585, "B": 10_000, "C": 100_000}
DIMENSIONS = 512
AGREEING = 256  # rows that the CPU solves, too
WARM = 64  # rows of the first solve, which is not timed
COPIED = 2**28  # numbers of a copy, of four bytes
SEED = 0


class Case(NamedTuple):
    """One solver on one problem.

    Attributes:
        problem: One of `SIZES`.
        name: Of the solver and what it is asked for.
        make: The solver; of the CPU too, which takes its own engine.
    """

    problem: str
    name: str
    make: Callable[[], Solver]


CASES = (
    *(
        Case(problem, f"active_set, L = {penalty}", lambda penalty=penalty: ActiveSet(l1_penalty=penalty))
        for problem, penalty in (("A", 0.25), ("A", 0.15), ("B", 0.25), ("B", 0.15), ("C", 0.25))
    ),
    *(
        Case(problem, name, make)
        for problem in ("A", "B")
        for name, make in (
            ("path to 8 atoms", lambda: LassoPath(target_l0=8)),
            ("admm, L = 0.25", lambda: ADMM(l1_penalty=0.25)),
            ("fista, L = 0.25", lambda: FISTA(l1_penalty=0.25)),
            ("omp to 8 atoms", lambda: OMP(target_l0=8)),
            ("comp to 8 atoms", lambda: COMP(target_l0=8)),
            ("matching_pursuit to 8 atoms", lambda: MatchingPursuit(target_l0=8)),
            ("top_k to 8 atoms", lambda: TopK(target_l0=8)),
        )
    ),
    Case("C", "omp to 8 atoms", lambda: OMP(target_l0=8)),
)


def problem_of(real: Path | None, rows: int, num_atoms: int) -> Problem:
    """Return real rows and atoms, or sampled ones: atoms near each other in few directions, rows of some of them."""
    if real is not None:
        return real_problem(real, rows, num_atoms)
    random = torch.Generator().manual_seed(SEED)
    topics = torch.randn(64, DIMENSIONS, generator=random)
    atoms = normalize(
        topics[torch.randint(64, (num_atoms,), generator=random)]
        + 1.5 * torch.randn(num_atoms, DIMENSIONS, generator=random)
    )
    chosen = torch.randint(num_atoms, (rows, 6), generator=random)
    weights = torch.rand(rows, 6, 1, generator=random)
    noise = normalize(torch.randn(rows, DIMENSIONS, generator=random))
    return Problem(normalize((weights * atoms[chosen]).sum(dim=1) + 1.5 * noise), atoms)


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Return how long work takes, with all that it has started on the device."""
    _wait(device)
    start = time.perf_counter()
    work()
    _wait(device)
    return time.perf_counter() - start


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def ceilings(device: torch.device, numbers: int = COPIED) -> dict[str, float]:
    """Return what the device does at best: float32 products in TFLOP/s, copies in GB/s."""
    side = 8192 if device.type == "cuda" else 1024
    left, out = torch.randn(side, side, device=device), torch.empty(side, side, device=device)
    source = torch.empty(numbers, device=device)
    target = torch.empty_like(source)
    product = min(seconds(lambda: torch.mm(left, left, out=out), device) for _ in range(5))
    copy = min(seconds(lambda: target.copy_(source), device) for _ in range(5))
    return {"TFLOP/s of products": 2 * side**3 / product / 1e12, "GB/s of copies": 8 * numbers / copy / 1e9}


def measured(case: Case, problem: Problem, device: torch.device) -> dict[str, Any]:
    """Solve on the device and, a part, on the CPU."""
    atoms, targets = (part.to(device) for part in (problem.atoms, problem.targets))
    product = torch.empty(len(targets), len(atoms), device=device)
    solver = case.make()
    state = solver.prepare(atoms)
    solver.solve(state, targets[:WARM])
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    found: list[Any] = []
    elapsed = seconds(lambda: found.append(solver.solve(state, targets)), device)
    most = torch.cuda.max_memory_allocated(device) / 2**30 if device.type == "cuda" else None
    floor = min(seconds(lambda: torch.mm(targets, atoms.T, out=product), device) for _ in range(5))
    few = problem.targets[:AGREEING]
    here = case.make()
    ours = found[0].codes.select(torch.arange(len(few))).dense().double().cpu()
    theirs = here.solve(here.prepare(problem.atoms), few).codes.dense().double()
    gap = found[0].duality_gap
    return {
        "problem": f"{case.problem}, {len(problem.atoms):,} atoms",
        "solver": case.name,
        "rows": f"{len(targets):,}",
        "rows/s": f"{len(targets) / elapsed:,.0f}",
        "products": f"{elapsed / floor:.1f}",
        "share of the ceiling (%)": f"{100 * floor / elapsed:.1f}",
        "L0": f"{float(found[0].codes.l0().double().mean()):.1f}",
        "max gap": f"{float(gap.max()):.0e}" if bool(gap.isfinite().all()) else "–",
        "differs from the CPU by": f"{float((ours - theirs).abs().max()):.0e}",
        "memory (GiB)": "–" if most is None else f"{most:.2f}",
    }


def all_cases(
    real: Path | None, rows: int, device: torch.device, until: float, sizes: dict[str, int]
) -> Iterator[dict[str, Any]]:
    """Yield a line for each case; those for which no time is left say so."""
    problems: dict[str, Problem] = {}
    for case in CASES:
        if time.monotonic() > until:
            yield {"problem": case.problem, "solver": case.name, "rows": "no time left"}
            continue
        if case.problem not in problems:
            problems = {case.problem: problem_of(real, rows, sizes[case.problem])}  # one at a time: C is large
        yield measured(case, problems[case.problem], device)


def tested() -> str:
    """Run the tests that need the device; return their last line."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", *TESTS]
    result = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True)
    if result.returncode:
        print(result.stdout)
    return result.stdout.strip().rpartition("\n")[2]


def main(arguments: list[str] | None = None) -> None:
    """Check and measure; exit code 1 where the device is not there or a test fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, help="folder of real embeddings")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, …; cpu shows what would be measured")
    parser.add_argument("--rows", type=int, default=4096)
    parser.add_argument("--minutes", type=float, default=6)
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--sizes", type=int, nargs=3, default=list(SIZES.values()), help="atoms of A, B and C")
    parser.add_argument("--no-tests", action="store_true", help="measure only")
    given = parser.parse_args(arguments)
    until = time.monotonic() + 60 * given.minutes
    device = torch.device(given.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        sys.exit("error: --device is cuda, but torch finds no CUDA device here.")
    torch.backends.cuda.matmul.allow_tf32 = False  # certificates are of float32
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    tests = "not run" if given.no_tests else tested()
    best = ceilings(device, COPIED if device.type == "cuda" else COPIED // 64)
    lines = pd.DataFrame(
        all_cases(given.real, given.rows, device, until, dict(zip(SIZES, given.sizes, strict=True)))
    ).fillna("")
    notes = [f"{name}: {value:,.1f}" for name, value in best.items()]
    body = "\n".join(
        [
            f"- Tests that need the device: {tests}",
            *(f"- {note}" for note in notes),
            "",
            markdown.table(list(lines), lines.to_numpy().tolist()),
        ]
    )
    write_section(given.results / "tables" / "gpu_check.md", "A GPU, checked", f"{card}: {run_heading()}", body)
    print(body)
    if "failed" in tests or "error" in tests:
        sys.exit("error: tests failed on this device, see above.")


if __name__ == "__main__":
    main()
