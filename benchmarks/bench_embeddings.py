"""Memory and time to load embeddings from a file and to decompose them, in a separate process.

    python benchmarks/bench_embeddings.py [--samples 1000000] [--dim 512] [--atoms 256] [--results results]

Random float16 rows in a .npy file. What is counted is the whole process, with Python, PyTorch, and all maps of files.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from journal import run_heading, write_section
from memory import Peak
from torch.nn.functional import normalize

from splice_exp.core.text import markdown
from splice_exp.core.types import Dictionary
from splice_exp.data.embeddings_file import EmbeddingsFile
from splice_exp.decomposition.splice import decompose
from splice_exp.distributed.cache import Cache
from splice_exp.embeddings.geometry import Alignment, image_mean
from splice_exp.solvers.active_set import ActiveSet

SOLVER = ActiveSet(l1_penalty=0.25)
GIB = 2**30


def write_rows(path: Path, num_rows: int, dim: int) -> None:
    """Write random rows around a common mean, as embeddings of images are."""
    rows = np.lib.format.open_memmap(path, "w+", np.float16, (num_rows, dim))
    random = np.random.default_rng(0)
    mean = random.normal(size=dim)
    for start in range(0, num_rows, 2**14):
        part = rows[start : start + 2**14]
        part[:] = mean + random.standard_normal(part.shape, np.float32)
    rows.flush()


def measure(folder: Path, num_atoms: int) -> list[list[str]]:
    """Load and decompose; return a line for each step: what it was, seconds, GiB at most up to its end."""
    lines = []
    peak = Peak()

    def note(what: str) -> None:
        nonlocal start
        lines.append([what, f"{time.perf_counter() - start:,.0f}", f"{peak.highest():.2f}"])
        start = time.perf_counter()

    start = time.perf_counter()
    embeddings = EmbeddingsFile(str(folder / "E.npy")).embeddings()
    note("load")
    atoms = normalize(torch.randn(num_atoms, embeddings.dim, generator=torch.Generator().manual_seed(0)), dim=1)
    dictionary = Dictionary(atoms, tuple(f"atom {index}" for index in range(num_atoms)), torch.zeros(embeddings.dim))
    for what in ("decompose", "read the codes again"):
        found = decompose(embeddings, dictionary, SOLVER, Alignment(), image_mean(embeddings), Cache(folder / "cache"))
        active = float(found.codes.l0().double().mean())
        del found
        note(what)
    lines[1][0] += f": {active:.1f} concepts active per row"
    return lines


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--atoms", type=int, default=256)
    parser.add_argument("--results", type=Path, default=Path("results"), help="where the table goes")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)  # folder of the file, in a separate process
    arguments = parser.parse_args()
    if arguments.measure:
        for line in measure(arguments.measure, arguments.atoms):
            print("\t".join(line))
        return
    with TemporaryDirectory() as folder:
        write_rows(Path(folder) / "E.npy", arguments.samples, arguments.dim)
        command = [sys.executable, __file__, "--measure", folder, "--atoms", str(arguments.atoms)]
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    lines = [line.split("\t") for line in said.splitlines() if "\t" in line]
    size = arguments.samples * arguments.dim
    text = (
        f"    python benchmarks/bench_embeddings.py --samples {arguments.samples} --dim {arguments.dim} "
        f"--atoms {arguments.atoms}\n\n"
        f"{arguments.samples:,} random rows of {arguments.dim} numbers: {2 * size / GIB:.2f} GiB in the file "
        "(float16), "
        f"{4 * size / GIB:.2f} GiB in memory (float32). {arguments.atoms} atoms, L = {SOLVER.l1_penalty}, "
        f"{torch.get_num_threads()} threads. The most that was resident up to the end of each step counts the whole "
        f"process.\n\n{markdown.table(['', 'seconds', 'GiB at most'], lines)}\n"
    )
    print(text)
    heading = f"{run_heading()}, stored embeddings"
    write_section(arguments.results / "tables" / "bench_extraction.md", "Extraction against a bare loop", heading, text)


if __name__ == "__main__":
    main()
