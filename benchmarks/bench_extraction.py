"""Time extraction against a bare loop of the same model over the same images, and decomposition on top of it.

    python benchmarks/bench_extraction.py [--samples 4096] [--batch-size 256] [--repeats 15] [--results results]

On the synthetic benchmark, with 1,000 atoms. The bare loop loads a batch, embeds it, and keeps the embeddings;
`extract` also assigns the batches, writes every one as a shard with its checksum, and reads all of them back. Bare loop
and contenders alternate, everything warm.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from journal import run_heading, write_section
from scipy.stats import bootstrap
from torch.nn.functional import normalize

from splice_exp.backbones.load import load_backbone
from splice_exp.core.text import markdown
from splice_exp.core.types import Dictionary, Embeddings
from splice_exp.data.scenes.plain import Scenes
from splice_exp.decomposition.fused import embed_and_solve
from splice_exp.distributed.cache import Cache
from splice_exp.distributed.trainer import Machine
from splice_exp.embeddings.extract import extract
from splice_exp.embeddings.geometry import image_mean
from splice_exp.solvers.active_set import ActiveSet

NUM_ATOMS = 1_000


def seconds(work: Callable[[], object]) -> float:
    """Time some work once."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ratio(turns: list[dict[str, float]], reference: str, name: str) -> str:
    """Return how fast one is in units of another, turn by turn: the median and its 95 % bootstrap interval."""
    values = np.array([turn[reference] / turn[name] for turn in turns])
    if np.all(values == 1):
        return "1"
    found = bootstrap((values,), np.median, method="percentile", rng=np.random.default_rng(0)).confidence_interval
    return f"{np.median(values):.3f} [{found.low:.3f}, {found.high:.3f}]"


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=4096)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--results", type=Path, default=Path("results"), help="where the table goes")
    arguments = parser.parse_args()
    machine = Machine(batch_size=arguments.batch_size)
    backbone = load_backbone()
    data = Scenes(num_samples=arguments.samples)
    solver = ActiveSet(l1_penalty=0.25)
    atoms = normalize(torch.randn(NUM_ATOMS, backbone.dim, generator=torch.Generator().manual_seed(0)), dim=1)
    dictionary = Dictionary(atoms, tuple(f"atom {index}" for index in range(NUM_ATOMS)), torch.zeros(backbone.dim))

    def bare() -> torch.Tensor:
        starts = range(0, len(data), arguments.batch_size)
        batches = (backbone.preprocess(data.inputs(start, start + arguments.batch_size)) for start in starts)
        return torch.cat([backbone.encode_batch(batch) for batch in batches])

    def extracted() -> Embeddings:
        with TemporaryDirectory() as folder:
            return extract(data, backbone, Cache(Path(folder), machine))

    def fused() -> None:
        with TemporaryDirectory() as folder:
            cache = Cache(Path(folder), machine)
            embed_and_solve(cache, data, backbone, dictionary, solver, mean)
            extract(data, backbone, cache)

    mean = image_mean(extracted())
    contenders: dict[str, Callable[[], object]] = {
        "bare loop": bare,
        "extract, into shards": extracted,
        f"the same, decomposed with {NUM_ATOMS:,} atoms in passing": fused,
    }
    for work in contenders.values():
        work()  # compiles, and draws the images' descriptions
    names = list(contenders)
    turns = []
    for turn in range(arguments.repeats):  # each begins with another one, so that none always comes first
        order = names[turn % len(names) :] + names[: turn % len(names)]
        turns.append({name: seconds(contenders[name]) for name in order})
    lines = []
    for place, name in enumerate(names):
        median = statistics.median(turn[name] for turn in turns)
        compared = (ratio(turns, names[0], name), "" if place < 2 else ratio(turns, names[1], name))
        lines.append([name, f"{len(data) / median:,.0f}", *compared])
    table = markdown.table(["", "images/s", "of the bare loop", "of extract"], lines)
    command = (
        f"python benchmarks/bench_extraction.py --samples {arguments.samples} --batch-size {arguments.batch_size} "
        f"--repeats {arguments.repeats}"
    )
    text = (
        f"    {command}\n\n"
        f"The synthetic benchmark and its CLIP, {len(data):,} images, "
        f"{torch.get_num_threads()} threads, torch {torch.__version__}. Ratios of images/s are taken within a turn: "
        f"their median over {arguments.repeats} turns, with its 95 % bootstrap interval.\n\n{table}\n"
    )
    print(text)
    write_section(
        arguments.results / "tables" / "bench_extraction.md", "Extraction against a bare loop", run_heading(), text
    )


if __name__ == "__main__":
    main()
