"""Time every solver to a certified duality gap of 1e-6, beside scikit-learn, celer and skglm, and watch the memory.

    python benchmarks/bench_solvers.py REAL [--rows 1024] [--large] [--part PART …] [--results results]

REAL is a folder with text/objects1585.safetensors, embeddings/imagenet_4shot.safetensors and
means/clip_ViT-B-32_image.safetensors (OpenAI CLIP ViT-B/32). Three problems:

    A   real images, 1,585 texts
    B   the same images, 10,000 atoms: the texts, and normalised mixtures a·e_i + (1 − a)·e_j + 0.25·noise, a ∈ [.3, .7]
    C   images of the synthetic benchmark, its vocabulary

Floor: one float32 product rows × dictionary into a preallocated output. Ratios compare times of one run, everything
warm, with the same number of threads; preparing a dictionary is timed apart. What does not reach the gap says so in its
column. Memory is that of a fresh process (Linux); `--large` adds 100,000 rows × 100,000 atoms and 1,000,000 × 10,000.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from journal import run_heading, write_section
from matplotlib.ticker import NullFormatter
from memory import Peak
from torch.nn.functional import normalize

from splice_exp.backbones.load import load_backbone
from splice_exp.core.assets import ASSETS
from splice_exp.core.codes import Codes
from splice_exp.core.io import atomic
from splice_exp.core.matrices.unit_rows import checked_features
from splice_exp.core.plotting import MARKERS, PALETTE, save
from splice_exp.core.runs.provenance import environment
from splice_exp.core.tensors import read_tensors, write_tensors
from splice_exp.core.text import markdown
from splice_exp.data.scenes.plain import Scenes
from splice_exp.embeddings.extract import extract
from splice_exp.embeddings.geometry import center
from splice_exp.solvers import objective
from splice_exp.solvers.active_set import ActiveSet
from splice_exp.solvers.admm import ADMM
from splice_exp.solvers.base import Solver
from splice_exp.solvers.fista import FISTA
from splice_exp.solvers.path import LassoPath

TOL = 1e-6
SEED = 0
PENALTIES = (0.35, 0.25, 0.15, 0.1)
REPEATS = 30
FEW_ROWS = 512  # for what takes a second or more
ENOUGH = 2.0  # seconds after which nothing is timed again
EXTREMES = {2.0: 1024, 1e-2: 512, 1e-3: 64}  # penalties, and rows for which there is patience
PEERS = ("scikit-learn", "celer", "skglm")


class Problem(NamedTuple):
    """Targets (n, d) and atoms (k, d), both unit rows."""

    targets: torch.Tensor
    atoms: torch.Tensor


def real_problem(real: Path, rows: int, num_atoms: int) -> Problem:
    """Return real images, repeated if there are too few, and so many atoms: texts and mixtures of them."""
    images = read_tensors(real / "embeddings" / "imagenet_4shot.safetensors")["embeddings"]
    mean = read_tensors(real / "means" / "clip_ViT-B-32_image.safetensors")["mean"]
    texts = checked_features(read_tensors(real / "text" / "objects1585.safetensors")["embeddings"], "texts")
    if num_atoms > len(texts):
        random = np.random.default_rng(SEED)
        first, second = torch.from_numpy(random.integers(len(texts), size=(2, num_atoms - len(texts))))
        share = torch.from_numpy(random.uniform(0.3, 0.7, size=(len(first), 1))).float()
        noise = normalize(torch.from_numpy(random.standard_normal((len(first), texts.shape[1]))), dim=1).float()
        texts = torch.cat([texts, normalize(share * texts[first] + (1 - share) * texts[second] + 0.25 * noise, dim=1)])
    atoms, _ = center(texts, texts.double().mean(dim=0))
    features = checked_features(images, "images")
    targets, _ = center(features[torch.arange(rows) % len(features)], mean)
    return Problem(targets, atoms)


def world_problem(rows: int) -> Problem:
    """Return images and vocabulary of the synthetic benchmark."""
    backbone = load_backbone()
    pictures = extract(Scenes(num_samples=rows), backbone).features
    texts = backbone.encode_text((ASSETS / "scenes_vocabulary.txt").read_text().splitlines())
    atoms, _ = center(texts, texts.double().mean(dim=0))
    targets, _ = center(pictures, pictures.double().mean(dim=0))
    return Problem(targets, atoms)


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Return the least of some timings; what takes long is not repeated."""
    times: list[float] = []
    while len(times) < repeats and sum(times) < ENOUGH:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def ours(l1_penalty: float) -> dict[str, Solver]:
    """Name our solvers of the lasso."""
    return {
        "active_set": ActiveSet(l1_penalty=l1_penalty, tol=TOL),
        "active_set, torch": ActiveSet(l1_penalty=l1_penalty, tol=TOL, engine="torch"),
        "admm": ADMM(l1_penalty=l1_penalty, tol=TOL),
        "fista": FISTA(l1_penalty=l1_penalty, tol=TOL),
    }


def solve_by_peer(name: str, problem: Problem, l1_penalty: float) -> np.ndarray:
    """Return codes (n, k) by another library, its tolerance such that our gap is about `TOL`.

    Each is called by the way in that costs it least: scikit-learn with all rows at once, celer by its path function,
    which does not validate the design again for every row. Design and targets are float64, as they want them.
    """
    design, targets = np.asfortranarray(problem.atoms.double().numpy().T), problem.targets.double().numpy()
    alpha = objective.to_sklearn_alpha(l1_penalty, design.shape[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name == "scikit-learn":
            from sklearn.linear_model import Lasso

            lasso = Lasso(alpha, positive=True, fit_intercept=False, copy_X=False, tol=TOL / 2, max_iter=100_000)
            return np.atleast_2d(lasso.fit(design, targets.T).coef_)
        if name == "celer":
            from celer.homotopy import celer_path

            options = {"alphas": [alpha], "positive": True, "tol": TOL / 2, "max_iter": 1_000}
            return np.stack([celer_path(design, row, "lasso", **options)[1][:, 0] for row in targets])
        from skglm import Lasso

        lasso = Lasso(alpha, positive=True, fit_intercept=False, tol=TOL / (2 * design.shape[0]), max_iter=1_000)
        return np.stack([lasso.fit(design, row).coef_ for row in targets])


def judged(problem: Problem, codes: Codes, l1_penalty: float) -> dict[str, torch.Tensor]:
    """Measure codes in float64 on the full dictionary: everyone by the same measure."""
    found: dict[str, list[torch.Tensor]] = {"l0": [], "gap": [], "kkt": [], "objective": []}
    atoms = problem.atoms.double()
    for rows in torch.arange(len(codes)).split(256):
        x, w = problem.targets[rows].double(), codes.dense(rows).double()
        certificate = objective.lasso_certificate(x, atoms, w, l1_penalty)
        found["l0"].append((w != 0).sum(dim=1).double())
        found["gap"].append(certificate.duality_gap)
        found["kkt"].append(certificate.kkt_violation)
        found["objective"].append(objective.value(x, atoms, w, l1_penalty))
    return {name: torch.cat(parts) for name, parts in found.items()}


def compare(name: str, problem: Problem, l1_penalty: float) -> list[dict[str, Any]]:
    """Time everyone on one problem; who is slow solves the first rows only, on which all objectives are compared."""
    product = torch.empty(len(problem.targets), len(problem.atoms))
    few, rows, floors = Problem(problem.targets[:FEW_ROWS], problem.atoms), [], []
    for label, solver in ours(l1_penalty).items():
        floors.append(seconds(lambda: torch.mm(problem.targets, problem.atoms.T, out=product), REPEATS))
        part = few if isinstance(solver, (ADMM, FISTA)) else problem
        start = time.perf_counter()
        state = solver.prepare(part.atoms)
        prepared = time.perf_counter() - start
        solver.solve(state, part.targets[:16])  # compiles
        solved: list[Codes] = []
        elapsed = seconds(lambda s=solver, p=state, x=part.targets, to=solved: to.append(s.solve(p, x).codes), REPEATS)
        rows.append({"solver": label, "prepare": prepared, **measured(part, solved[-1], l1_penalty, elapsed)})
    for label in PEERS:
        solve_by_peer(label, Problem(few.targets[:1], few.atoms), l1_penalty)  # compiles
        start = time.perf_counter()
        codes = solve_by_peer(label, few, l1_penalty)
        elapsed = time.perf_counter() - start
        codes = Codes.from_dense(torch.from_numpy(codes))
        rows.append({"solver": label, "prepare": 0.0, **measured(few, codes, l1_penalty, elapsed)})
    best = torch.stack([row.pop("objective") for row in rows])
    lowest = best.amin(dim=0)
    fastest = min(row["seconds"] for row in rows if row["solver"] in ("scikit-learn", "celer"))
    floor = min(floors) / len(problem.targets)  # the machine is not equally quick all the time
    for row, value in zip(rows, best, strict=True):
        row |= {"set": name, "l1_penalty": l1_penalty, "atoms": len(problem.atoms), "floor": floor}
        row |= {"products": row["seconds"] / floor, "faster": fastest / row["seconds"]}
        row["excess"] = float(((value - lowest) / lowest).max())
    return rows


def measured(problem: Problem, codes: Codes, l1_penalty: float, elapsed: float) -> dict[str, Any]:
    """Say how good and how quick a solve was: the worst row, and seconds per row."""
    found = judged(problem, codes, l1_penalty)
    return {
        "rows": len(codes),
        "seconds": elapsed / len(codes),
        "l0": float(found["l0"].mean()),
        "gap": float(found["gap"].max()),
        "kkt": float(found["kkt"].max()),
        "objective": found["objective"][:FEW_ROWS],
    }


def compare_path(name: str, problem: Problem) -> dict[str, Any]:
    """Time the path through 20 penalties against one solve at the last of them."""
    penalties = np.geomspace(PENALTIES[0], PENALTIES[-1], 20).tolist()
    path, single = LassoPath(tol=TOL), ActiveSet(l1_penalty=penalties[-1], tol=TOL)
    state, other = path.prepare(problem.atoms), single.prepare(problem.atoms)
    solutions = path.solve_at(state, problem.targets, penalties)
    single.solve(other, problem.targets)
    whole = seconds(lambda: path.solve_at(state, problem.targets, penalties), REPEATS)
    last = seconds(lambda: single.solve(other, problem.targets), REPEATS)
    return {
        "set": name,
        "ms_per_row": 1e3 * whole / len(problem.targets),
        "single_ms_per_row": 1e3 * last / len(problem.targets),
        "ratio": whole / last,
        "products": float(solutions[-1].num_iterations.double().mean()),
        "l0": float(solutions[-1].codes.l0().double().mean()),
        "gap": max(float(solution.duality_gap.max()) for solution in solutions),
        "kkt": max(float(solution.kkt_violation.max()) for solution in solutions),
    }


def scaling(real: Path, rows: int) -> Iterator[dict[str, Any]]:
    """Time the active-set solver against rows, atoms and support size."""
    cases: list[tuple[str, Problem, float]] = [
        *(("rows", real_problem(real, n, 1_585), 0.25) for n in (1_000, 10_000, 100_000)),
        *(("atoms", real_problem(real, rows, k), 0.25) for k in (1_585, 10_000, 30_000, 100_000)),
        *(("support", real_problem(real, rows, 1_585), penalty) for penalty in (0.3, 0.2, 0.1, 0.05, 0.02, 0.01)),
    ]
    for kind, problem, l1_penalty in cases:
        part = problem.targets[:1024]
        product = torch.empty(len(part), len(problem.atoms))
        floor = seconds(lambda x=part, d=problem.atoms, out=product: torch.mm(x, d.T, out=out), 10) / len(part)
        solver = ActiveSet(l1_penalty=l1_penalty, tol=TOL)
        state = solver.prepare(problem.atoms)
        solution = solver.solve(state, problem.targets)
        elapsed = seconds(lambda s=solver, p=state, x=problem.targets: s.solve(p, x), 2) / len(problem.targets)
        yield {
            "what": kind,
            "rows": len(problem.targets),
            "atoms": len(problem.atoms),
            "l1_penalty": l1_penalty,
            "l0": float(solution.codes.l0().double().mean()),
            "ms_per_row": 1e3 * elapsed,
            "products": elapsed / floor,
            "gap": float(solution.duality_gap.max()),
            "kkt": float(solution.kkt_violation.max()),
        }


def extremes(name: str, problem: Problem) -> Iterator[dict[str, Any]]:
    """Solve where nothing is composed, L ≥ lambda_max, and where nearly as many atoms as dimensions are, L → 0."""
    for l1_penalty, rows in EXTREMES.items():
        few = Problem(problem.targets[:rows], problem.atoms)
        for label, solver in (
            ("active_set", ActiveSet(l1_penalty=l1_penalty)),
            ("path", LassoPath(l1_penalty=l1_penalty)),
        ):
            state = solver.prepare(few.atoms)
            start = time.perf_counter()
            solution = solver.solve(state, few.targets)
            elapsed = time.perf_counter() - start
            yield {
                "set": name,
                "l1_penalty": l1_penalty,
                "solver": label,
                "rows": len(few.targets),
                "l0": float(solution.codes.l0().double().mean()),
                "gap": float(solution.duality_gap.max()),
                "kkt": float(solution.kkt_violation.max()),
                "ms_per_row": 1e3 * elapsed / len(few.targets),
            }


def peak_memory(real: Path, rows: int, num_atoms: int) -> dict[str, Any]:
    """Measure a solve in a fresh process: its memory before and its peak, GiB, and that codes read back."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak, (real, rows, num_atoms))


def _peak(real: Path, rows: int, num_atoms: int) -> dict[str, Any]:
    solver = ActiveSet(l1_penalty=0.25)
    problem = real_problem(real, rows, num_atoms)
    solver.solve(solver.prepare(problem.atoms[:100]), problem.targets[:16])  # compiles
    memory = Peak()
    start = time.perf_counter()
    solution = solver.solve(solver.prepare(problem.atoms), problem.targets)
    elapsed = time.perf_counter() - start
    peak = memory.highest()
    codes = solution.codes
    stored = {"indptr": codes.indptr, "indices": codes.indices, "values": codes.values}
    result = sum(tensor.nbytes for tensor in stored.values()) / 2**30
    with tempfile.TemporaryDirectory() as folder:
        write_tensors(Path(folder) / "codes.safetensors", stored)
        again = read_tensors(Path(folder) / "codes.safetensors")
    return {
        "rows": rows,
        "atoms": num_atoms,
        "seconds": elapsed,
        "before": memory.before,
        "result": result,
        "peak": peak,
        "more": peak - memory.before - result,
        "gap": float(solution.duality_gap.max()),
        "kkt": float(solution.kkt_violation.max()),
        "reads_back": all(torch.equal(again[name], tensor) for name, tensor in stored.items()),
    }


def draw(speed: pd.DataFrame, path: Path) -> None:
    """Plot time in products against the size of the support, one panel per problem."""
    names = list(speed["set"].unique())
    canvas, axes = plt.subplots(1, len(names), figsize=(3.6 * len(names), 3.0), sharey=True, layout="constrained")
    for axis, name in zip(axes, names, strict=True):
        for number, (label, part) in enumerate(speed[speed["set"] == name].groupby("solver", sort=False)):
            axis.plot(
                part["l0"], part["products"], color=PALETTE[number], marker=MARKERS[number], markersize=4, label=label
            )
        axis.axhline(2, color="0.35", linestyle="--", linewidth=1, label="two products")
        axis.set(xscale="log", yscale="log", xlabel="L0", title=name)
        axis.set_xticks(
            [tick for tick in (3, 5, 8, 12, 18, 30, 50, 80, 120) if axis.get_xlim()[0] < tick < axis.get_xlim()[1]]
        )
        axis.xaxis.set_major_formatter("{x:.0f}")
        axis.xaxis.set_minor_formatter(NullFormatter())
    axes[0].set_ylabel("time, in products rows × dictionary")
    canvas.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", fontsize=7, frameon=False)
    save(canvas, path)


def speed_table(speed: pd.DataFrame) -> str:
    """Write the comparison."""
    lines = [
        [
            f"{row.set}, L = {row.l1_penalty}",
            row.solver,
            f"{row.rows:,}",
            f"{1e3 * row.seconds:.3f}",
            f"{row.products:,.1f}",
            f"{row.faster:,.1f}",
            f"{row.l0:.1f}",
            f"{row.gap:.0e}",
            f"{row.kkt:.0e}",
            f"{row.excess:.0e}",
            f"{row.prepare:.2f}",
        ]
        for row in speed.itertuples()
    ]
    headings = [
        "problem",
        "solver",
        "rows",
        "ms/row",
        "products",
        "× best peer",
        "L0",
        "max gap",
        "max KKT",
        "excess",
        "prepare, s",
    ]
    return markdown.table(headings, lines)


def plain_table(found: pd.DataFrame) -> str:
    """Write one column per measure."""
    formats: Mapping[str, str] = {
        **dict.fromkeys(("l0", "products", "seconds"), ".1f"),
        **dict.fromkeys(("ms_per_row", "single_ms_per_row"), ".3f"),
        **dict.fromkeys(("ratio", "before", "result", "peak", "more"), ".2f"),
        **dict.fromkeys(("gap", "kkt"), ".0e"),
        **dict.fromkeys(("rows", "atoms"), ","),
    }
    lines = [[format(value, formats.get(name, "")) for name, value in row.items()] for row in found.to_dict("records")]
    return markdown.table([name.replace("_", " ") for name in found.columns], lines)


PARTS = ("compare", "path", "scaling", "ends", "memory")
SECTIONS: Mapping[str, str] = {
    "compare": "",
    "path": f"The path through 20 penalties from {PENALTIES[0]} to {PENALTIES[-1]}, every point certified, beside one "
    "solve by `active_set` at the last; `products` are those taken:",
    "scaling": "How `active_set` scales, on A with one thing changed:",
    "ends": "The ends of the path: codes of zero, and nearly as many as there are dimensions:",
    "memory": "Memory of a fresh process in GiB: before a solve by `active_set` at L = 0.25, with its inputs, the "
    "codes, the peak, and what that is `more` than inputs and codes; codes were stored and read back:",
}


def write(found: Mapping[str, pd.DataFrame], results: Path, heading: str, command: str) -> None:
    """Write what has been measured so far: each part as parquet, all parts as one section of the page."""
    for name, frame in found.items():
        with atomic(results / "local" / "benchmarks" / f"bench_solvers_{name}.parquet") as temporary:
            frame.to_parquet(temporary, index=False)
    parts = [
        f"    {command}",
        f"{torch.get_num_threads()} threads, torch {torch.__version__}. `products`: time in "
        "units of one float32 product of the rows with the dictionary, measured in the same run; ours include the "
        "certificate of every row. `× best peer`: the faster one of scikit-learn (all rows in one call) and celer (its "
        "path function, row by row); `prepare`, once a dictionary, is not counted. `excess`: largest relative distance "
        "of a row's objective from the lowest that anyone found. Gap and KKT: the worst row, in float64, in this table "
        "measured alike for everyone, further down as the solver says. A: real images, 1,585 texts; B: the same with "
        "10,000 atoms; C: the synthetic benchmark.",
    ]
    for name, intro in SECTIONS.items():
        if name not in found:
            parts.append(f"{intro} not measured." if intro else "Not measured.")
        elif name == "compare":
            draw(found[name], results / "local" / "benchmarks" / "bench_solvers")
            parts.append(speed_table(found[name]))
        else:
            parts += [intro, plain_table(found[name].drop(columns="commit"))]
        if name in found:
            parts.append(f"Measured on commit {', '.join(found[name]['commit'].unique())}.")
    page = results / "tables" / "bench_solvers.md"
    write_section(page, "Solvers: time to a certified duality gap of 1e-6", heading, "\n\n".join(parts))


def main() -> None:
    """Measure part after part, and write after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("real", type=Path, help="folder of real embeddings")
    parser.add_argument("--rows", type=int, default=1024, help="rows of the comparison")
    parser.add_argument("--large", action="store_true", help="add the two large solves; a quarter of an hour")
    parser.add_argument("--part", action="append", choices=PARTS, help="measure only this; the others stay as they are")
    parser.add_argument("--results", type=Path, default=Path("results"), help="where the tables go")
    arguments = parser.parse_args()
    problems = {
        "A": real_problem(arguments.real, arguments.rows, 1_585),
        "B": real_problem(arguments.real, arguments.rows, 10_000),
        "C": world_problem(arguments.rows),
    }
    sizes = [(1_024, 10_000), (16_384, 10_000), (16_384, 100_000), (64, 1_000_000)]
    sizes += [(100_000, 100_000), (1_000_000, 10_000)] if arguments.large else []
    parts: Mapping[str, Iterator[dict[str, Any]]] = {
        "compare": (row for name, part in problems.items() for at in PENALTIES for row in compare(name, part, at)),
        "path": (compare_path(name, problem) for name, problem in problems.items()),
        "scaling": scaling(arguments.real, arguments.rows),
        "ends": (row for name, problem in problems.items() for row in extremes(name, problem)),
        "memory": (peak_memory(arguments.real, rows, num_atoms) for rows, num_atoms in sizes),
    }
    command = f"python benchmarks/bench_solvers.py REAL --rows {arguments.rows}{' --large' if arguments.large else ''}"
    commit = str(environment(SEED, "cpu")["git_commit"])[:8]
    heading = run_heading()
    found: dict[str, pd.DataFrame] = {}
    for part in PARTS:
        if part not in (arguments.part or PARTS):
            earlier = arguments.results / "local" / "benchmarks" / f"bench_solvers_{part}.parquet"
            found |= {part: pd.read_parquet(earlier)} if earlier.is_file() else {}
    for part in arguments.part or PARTS:
        measurements, rows = parts[part], []
        for row in measurements:
            rows.append(row)
            print({name: value for name, value in row.items() if np.size(value) == 1}, flush=True)
        found[part] = pd.DataFrame(rows).assign(commit=commit)
        write(found, arguments.results, heading, command)


if __name__ == "__main__":
    main()
