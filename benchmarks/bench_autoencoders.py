"""Time and memory of a TopK autoencoder, to fit and to encode, beside the package `overcomplete` where it is installed.

    python benchmarks/bench_autoencoders.py [--rows 50000] [--atoms 2048] [--measured 3] [--results results]

Rows are sparse nonnegative mixtures of random directions, with noise. Times are those of the processor, summed over
threads: what others compute meanwhile is not in them. Only a few epochs are run; the time of all follows from these.
Exit code 1 where a limit is not kept.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import torch
from journal import run_heading, write_section
from memory import Peak
from torch import Tensor
from torch.nn.functional import normalize

from splice_exp.core.text import markdown
from splice_exp.dictionaries.learned.amortisation import TOGETHER, encode
from splice_exp.dictionaries.learned.fitting import Course, train
from splice_exp.dictionaries.learned.sae import OwnEncoder
from splice_exp.dictionaries.learned.top_k import TopK, TopKAutoencoder

DIM, DIRECTIONS, ACTIVE, NOISE = 512, 3000, 10, 0.3
SECONDS, CORES = 300.0, 2  # the limit: so long on so many cores
EPOCHS, RATE = TopKAutoencoder.epochs, TopKAutoencoder.learning_rate  # as they are configured
ENCODED, REPEATS = 16_384, 7  # rows, and how often: the fastest counts


class Fitted(NamedTuple):
    """What a fit took.

    Attributes:
        network: Fitted for a few epochs.
        epoch: Seconds of an epoch.
        seconds: Seconds of all epochs, and of what is done once.
        memory: The most beside the rows, GiB.
        unexplained: ‖x − w D‖² of unit rows, after the few epochs.
    """

    network: Any
    epoch: float
    seconds: float
    memory: float
    unexplained: float


def mixtures(rows: int) -> Tensor:
    """Return unit rows, nonnegative sums of a few directions each, and noise of about a third of their norm."""
    random = torch.Generator().manual_seed(0)
    directions = normalize(torch.randn(DIRECTIONS, DIM, generator=random), dim=1)
    parts = []
    for some in torch.split(torch.arange(rows), 5000):
        chosen = torch.rand(len(some), DIRECTIONS, generator=random).topk(ACTIVE, dim=1).indices
        codes = torch.rand(len(some), ACTIVE, generator=random) + 0.5
        mixed = normalize((codes[:, :, None] * directions[chosen]).sum(dim=1), dim=1)
        noise = normalize(torch.randn(len(some), DIM, generator=random), dim=1)
        parts.append(normalize(mixed + NOISE * noise, dim=1))
    return torch.cat(parts)


def fitted(make: Callable[[], Any], fit: Callable[[Any, int], None], left: Callable[[Any], float], few: int) -> Fitted:
    """Fit for one epoch and for a few: the difference is what an epoch takes.

    Args:
        make: Returns a new network.
        fit: Fits a network for so many epochs.
        left: Returns what a network leaves unexplained.
        few: More than one.
    """
    memory, took = Peak(), []
    for epochs in (1, few):
        network, start = make(), time.process_time()
        fit(network, epochs)
        took.append(time.process_time() - start)
    epoch = (took[1] - took[0]) / (few - 1)
    highest = memory.highest() - memory.before
    return Fitted(network, epoch, took[0] + (EPOCHS - 1) * epoch, highest, left(network))


def ours(rows: Tensor, atoms: int, target_l0: int, batch: int, few: int) -> Fitted:
    """Fit our autoencoder."""

    def fit(network: TopK, epochs: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            train(network, rows, Course(epochs, batch, RATE, 0), Path(folder))

    def left(network: TopK) -> float:
        some = rows[:ENCODED]
        return float((some - network.encode(some) @ network.atoms()).square().sum(dim=1).mean())

    def make() -> TopK:
        torch.manual_seed(0)
        return TopK(DIM, atoms, target_l0)

    return fitted(make, fit, left, few)


def theirs(package: Any, rows: Tensor, atoms: int, target_l0: int, batch: int, few: int) -> Fitted:
    """Fit that of `overcomplete`, by its own training."""

    class Shuffled:
        def __iter__(self) -> Iterator[Tensor]:
            return (rows[places] for places in torch.split(torch.randperm(len(rows)), batch))

    def error(x: Tensor, found: Tensor, *others: Tensor) -> Tensor:
        return (x - found).square().sum(dim=1).mean()

    def fit(network: Any, epochs: int) -> None:
        optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
        package.train_sae(network, Shuffled(), error, optimizer, nb_epochs=epochs, monitoring=0)

    @torch.no_grad()
    def left(network: Any) -> float:
        return float(error(rows[:ENCODED], network(rows[:ENCODED])[2]))

    def make() -> Any:
        torch.manual_seed(0)
        return package.TopKSAE(DIM, atoms, top_k=target_l0)

    return fitted(make, fit, left, few)


@torch.no_grad()
def rates(ways: dict[str, Callable[[Tensor], object]], rows: Tensor) -> dict[str, float]:
    """Return rows per second of each way to encode, some rows at a time; the ways take turns."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(REPEATS):
        for name, way in ways.items():
            start = time.process_time()
            for some in torch.split(rows, TOGETHER):
                way(some)
            best[name] = min(best[name], time.process_time() - start)
    return {name: len(rows) / seconds for name, seconds in best.items()}


def installed() -> Any | None:
    """Return the package's module of autoencoders, or None where it is not installed."""
    mpl.cm.get_cmap = mpl.colormaps.get_cmap  # gone from matplotlib 3.11; 0.3.0 asks for it
    try:
        from overcomplete import sae
    except ImportError as error:
        print(f"overcomplete cannot be imported, so only our own numbers are given: {error}")
        return None
    return sae


def main() -> int:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--atoms", type=int, default=2048)
    parser.add_argument("--target-l0", type=int, default=TopKAutoencoder.target_l0)
    parser.add_argument("--batch-size", type=int, default=1024)
    parser.add_argument("--measured", type=int, default=3, help=f"epochs that are run, 2 or more, of {EPOCHS}")
    parser.add_argument("--results", type=Path, default=Path("results"), help="where the table goes")
    arguments = parser.parse_args()
    rows = mixtures(arguments.rows)
    settings = (arguments.atoms, arguments.target_l0, arguments.batch_size, arguments.measured)
    own = ours(rows, *settings)
    package = installed()
    other = None if package is None else theirs(package, rows, *settings)
    ways: dict[str, Callable[[Tensor], object]] = {
        "dense": own.network.encode,
        "sparse": lambda some: encode(OwnEncoder(own.network), some),
    }
    if other is not None:
        ways["other"] = other.network.eval().encode
    rate = rates(ways, rows[:ENCODED])

    def line(name: str, mine: float, their: float | None, form: str) -> list[str]:
        return [name, format(mine, form), "" if their is None else format(their, form)]

    lines = [
        line("seconds of an epoch", own.epoch, other and other.epoch, ".1f"),
        line(f"seconds of {EPOCHS} epochs, from {arguments.measured}", own.seconds, other and other.seconds, ".0f"),
        line("GiB beside the rows, at most", own.memory, other and other.memory, ".2f"),
        line(f"unexplained after {arguments.measured} epochs", own.unexplained, other and other.unexplained, ".3f"),
        line("rows encoded a second, dense codes", rate["dense"], rate.get("other"), ",.0f"),
        line("rows encoded a second, checked and sparse", rate["sparse"], None, ",.0f"),
    ]
    table = markdown.table(["", "splice_exp", "overcomplete"], lines)
    limit = SECONDS * CORES
    allowed = f"at most {limit:g} for a fit, {SECONDS:g} on {CORES} cores"
    text = (
        f"    python benchmarks/bench_autoencoders.py --rows {arguments.rows} --atoms {arguments.atoms} "
        f"--target-l0 {arguments.target_l0} --batch-size {arguments.batch_size} --measured {arguments.measured}\n\n"
        f"{arguments.rows:,} rows, {DIM} wide; {torch.get_num_threads()} threads, torch {torch.__version__}. Seconds "
        f"of the processor, summed over threads: {allowed}.\n\n{table}\n"
    )
    print(text)
    page = arguments.results / "tables" / "bench_autoencoders.md"
    write_section(page, "Autoencoders: time and memory", run_heading(), text)
    return int(own.seconds > limit or rate["sparse"] < rate.get("other", 0))


if __name__ == "__main__":
    sys.exit(main())
