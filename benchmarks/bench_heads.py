"""Time and memory of reading heads: spectra by thin factors against dense SVD, and COMP over a large dictionary.

    python benchmarks/bench_heads.py [--layers 8 9 10 11] [--atoms 100000] [--results results]

The heads are those of a ViT-B/32 of random weights, the dictionary random unit vectors; both signed directions of every
singular vector are explained. Exit code 1 where a limit is not kept.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import open_clip
import torch
from journal import run_heading, write_section
from memory import Peak
from torch import Tensor
from torch.nn.functional import normalize

from splice_exp.backbones.towers import Tower
from splice_exp.core.text import markdown
from splice_exp.core.types import Dictionary
from splice_exp.heads.explain import both_poles, explain
from splice_exp.heads.projection import Projection
from splice_exp.heads.spectra import spectra_of
from splice_exp.heads.weights import every_layer
from splice_exp.solvers.comp import COMP

FASTER, SECONDS, GIB = 20.0, 300.0, 4.0  # the limits: at least, at most, at most


def image_tower() -> Tower:
    """Return the image tower of a ViT-B/32 of random weights."""
    torch.manual_seed(0)
    visual = open_clip.create_model("ViT-B-32", pretrained=None).eval().requires_grad_(False).visual
    return Tower("image", tuple(visual.transformer.resblocks), visual.ln_post, visual.proj)


def seconds_of_svd(matrices: Tensor) -> float:
    """Time the dense SVD of matrices, one after the other, as in a loop over heads."""
    start = time.perf_counter()
    for matrix in matrices:
        torch.linalg.svd(matrix)
    return time.perf_counter() - start


def main() -> int:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, nargs="+", default=[8, 9, 10, 11])
    parser.add_argument("--atoms", type=int, default=100_000)
    parser.add_argument("--target-l0", type=int, default=5)
    parser.add_argument("--results", type=Path, default=Path("results"), help="where the table goes")
    arguments = parser.parse_args()
    tower = image_tower()
    memory = Peak()
    start = time.perf_counter()
    spectra = spectra_of(tower, arguments.layers)
    thin = time.perf_counter() - start
    random = torch.Generator().manual_seed(0)
    atoms = normalize(torch.randn(arguments.atoms, tower.projection.shape[1], generator=random), dim=1)
    dictionary = Dictionary(atoms, tuple(map(str, range(len(atoms)))), torch.zeros(atoms.shape[1]))
    start = time.perf_counter()
    poles, _ = both_poles(spectra.vectors("writes"), spectra.names)
    found = explain(poles, Projection(tower), dictionary, COMP(target_l0=arguments.target_l0))
    seconds = time.perf_counter() - start
    gib = memory.highest() - memory.before
    matrices = every_layer(tower, arguments.layers).matrices()  # after the peak: these are large
    dense = {"float64": seconds_of_svd(matrices), "float32": seconds_of_svd(matrices.float())}
    faster = dense["float64"] / thin
    lines = [
        [f"spectra of {len(matrices)} heads, thin factors, float64", f"{thin:.2f} s"],
        ["the same by dense SVD, float64, one by one", f"{dense['float64']:.1f} s"],
        ["times faster", f"{faster:.0f} (allowed: {FASTER:g} or more)"],
        ["by dense SVD in float32, with half of the digits", f"{dense['float32']:.1f} s"],
        [f"COMP, {len(poles):,} signed directions", f"{seconds:.0f} s"],
        ["spectra and COMP", f"{thin + seconds:.0f} s (allowed: {SECONDS:g})"],
        ["memory beside the model at most", f"{gib:.2f} GiB (allowed: {GIB:g})"],
        ["largest KKT violation", f"{float(found.solution.kkt_violation.max()):.0e}"],
    ]
    table = markdown.table(["", "ViT-B/32"], lines)
    layers = " ".join(map(str, arguments.layers))
    text = (
        f"    python benchmarks/bench_heads.py --layers {layers} --atoms {arguments.atoms} "
        f"--target-l0 {arguments.target_l0}\n\n"
        f"{len(atoms):,} random unit atoms, {atoms.shape[1]} wide; {torch.get_num_threads()} threads, torch "
        f"{torch.__version__}.\n\n{table}\n"
    )
    print(text)
    write_section(arguments.results / "tables" / "bench_heads.md", "Heads: time and memory", run_heading(), text)
    return int(faster < FASTER or thin + seconds > SECONDS or gib > GIB)


if __name__ == "__main__":
    sys.exit(main())
