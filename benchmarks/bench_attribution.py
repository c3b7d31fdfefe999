"""Count encoder images and time the maps of the paper's grid, together and one target at a time; memory of many masks.

    python benchmarks/bench_attribution.py [--masks 800] [--large-masks 20000] [--results results]

The grid: four targets, cosine and dot product, by RISE. Together, the masked images are represented once; one at a
time, once for each of the eight targets, as the official code does. Beside it, masked images per second by RISE,
drawing and applying the masks included, and by the image tower of open_clip alone in a bare loop. The memory part
explains one image of 224 × 224 pixels by a ViT-B/32 of random weights, and says by how much the process has grown at
most since the model was there.
Exit code 1 where a limit is not kept.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import open_clip
import torch
from journal import run_heading, write_section
from memory import Peak

from splice_exp.attribution.corpus import SIMILARITIES, Corpus
from splice_exp.attribution.curves import curves
from splice_exp.attribution.methods import Explicands
from splice_exp.attribution.removal import Blur, Mean
from splice_exp.attribution.rise import Rise
from splice_exp.attribution.targets import KINDS, Directions, Together, target_of
from splice_exp.backbones.base import Backbone
from splice_exp.backbones.load import load_backbone
from splice_exp.backbones.open_clip import OpenClipBackbone
from splice_exp.core.text import markdown
from splice_exp.data.scenes.pairs import ScenePairs

OFFICIAL_CURVE_IMAGES = 714  # 7 passes for each of 102 images
FEWER, CURVE_IMAGES, GIB = 7.0, 103, 2.0  # the limits: at least, at most, at most


class Counter:
    """Counts what an image tower is shown.

    Args:
        backbone: Whose tower it is.
    """

    def __init__(self, backbone: OpenClipBackbone) -> None:
        self.images = 0
        self._hook = backbone.module.visual.register_forward_pre_hook(self._count)

    def remove(self) -> None:
        """Count no more: a tower that is watched takes all images at once, which is slower."""
        self._hook.remove()

    def _count(self, tower: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        self.images += len(given[0])


def grid_of(backbone: Backbone, images: torch.Tensor) -> list[Directions]:
    """Return the eight targets of the paper, with corpora of random directions."""
    own = backbone.represent(images)
    random = torch.Generator().manual_seed(0)
    corpus, foil = (
        Corpus.of(name, [torch.randn(100, backbone.dim, generator=random)]) for name in ("a corpus", "a foil")
    )
    return [
        target_of(kind, similarity, own, corpus, foil, f"{kind} {similarity}")
        for kind in KINDS
        for similarity in SIMILARITIES
    ]


def passes(num_masks: int, repeats: int) -> tuple[list[list[str]], float]:
    """Compare the grid together with the grid one at a time, on the synthetic benchmark, alternating the two."""
    backbone = load_backbone()
    images = backbone.preprocess(ScenePairs(2).inputs(0, 2))
    targets = grid_of(backbone, images)
    counter, method = Counter(backbone), Rise(num_masks=num_masks, grid=8)
    explicands = Explicands(backbone, Mean(), images, (0, 1))
    ways = {"together": [Together(targets)], "one at a time": targets}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    encoded: dict[str, int] = {}
    for name, asked in ways.items():
        counter.images = 0
        for target in asked:
            method.attribute(explicands, target)
        encoded[name] = counter.images
    counter.remove()
    for _ in range(repeats):
        for name, asked in ways.items():
            start = time.perf_counter()
            for target in asked:
                method.attribute(explicands, target)
            seconds[name].append(time.perf_counter() - start)
    ratios = [one / all_ for one, all_ in zip(seconds["one at a time"], seconds["together"], strict=True)]
    fewer = encoded["one at a time"] / encoded["together"]
    medians = [f"{statistics.median(seconds[name]):.1f}" for name in ways]
    lines = [
        ["encoder images, 2 explicands", *(f"{encoded[name]:,}" for name in ways), f"{fewer:.1f}"],
        ["seconds, median", *medians, f"{statistics.median(ratios):.1f}"],
    ]
    return lines, fewer


@torch.inference_mode()
def speed(num_masks: int, repeats: int) -> tuple[float, float, float]:
    """Return masked images per second by RISE and in a bare loop, medians, and the largest difference between maps."""
    backbone = load_backbone()
    image = backbone.preprocess(ScenePairs(1).inputs(0, 1))
    explicands, method = Explicands(backbone, Mean(), image, (0,)), Rise(num_masks=num_masks, grid=8)
    targets = Together(grid_of(backbone, image))
    pixels = image.expand(num_masks, -1, -1, -1).contiguous()
    seconds: dict[str, list[float]] = {"rise": [], "bare": []}
    for _ in range(repeats):
        start = time.perf_counter()
        masked = method.represent(explicands)
        seconds["rise"].append(time.perf_counter() - start)
        start = time.perf_counter()
        for part in torch.split(pixels, method.chunk):
            backbone.module.encode_image(part)
        seconds["bare"].append(time.perf_counter() - start)
    watch = Counter(backbone)  # the tower as it is
    whole = method.represent(explicands)
    watch.remove()
    maps = [method.maps(of, explicands.shape, explicands.seeds, targets).maps for of in (masked, whole)]
    rise, bare = (num_masks / statistics.median(of) for of in seconds.values())
    return rise, bare, float((maps[0] - maps[1]).abs().max() / maps[1].abs().max())


def curve_images() -> int:
    """Count the images of insertion and deletion of one explicand, 50 steps."""
    backbone = load_backbone()
    counter, image = Counter(backbone), backbone.preprocess(ScenePairs(1).inputs(0, 1))
    curves(backbone, Mean(), image, torch.randn(64, 64), 50)
    return counter.images


def vit_b_32() -> OpenClipBackbone:
    """Return a ViT-B/32 of random weights."""
    torch.manual_seed(0)
    with TemporaryDirectory() as folder:
        weights = Path(folder) / "random.pt"
        torch.save(open_clip.create_model("ViT-B-32", pretrained=None).state_dict(), weights)
        return OpenClipBackbone("ViT-B-32", str(weights))


def growth(num_masks: int, chunk: int) -> tuple[float, float]:
    """Return by how many GiB the process grows at most while one image is explained, and the seconds."""
    backbone, image = vit_b_32(), torch.randn(1, 3, 224, 224)
    targets = Together(grid_of(backbone, image))
    memory = Peak()
    start = time.perf_counter()
    method = Rise(num_masks=num_masks, grid=7, chunk=chunk)
    method.attribute(Explicands(backbone, Blur(), image, (0,)), targets)
    return memory.highest() - memory.before, time.perf_counter() - start


def main() -> int:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--masks", type=int, default=800, help="of the grid on the synthetic benchmark")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--large-masks", type=int, default=20_000, help="of 224 × 224 pixels on ViT-B/32")
    parser.add_argument("--chunk", type=int, default=Rise().chunk)
    parser.add_argument("--results", type=Path, default=Path("results"), help="where the table goes")
    arguments = parser.parse_args()
    gib, seconds = growth(arguments.large_masks, arguments.chunk)  # first: what others need would hide it
    lines, fewer = passes(arguments.masks, arguments.repeats)
    images = curve_images()
    rise, bare, difference = speed(arguments.masks, arguments.repeats)
    table = markdown.table(["", "together", "one at a time", "ratio"], lines)
    command = (
        f"python benchmarks/bench_attribution.py --masks {arguments.masks} --repeats {arguments.repeats} "
        f"--large-masks {arguments.large_masks} --chunk {arguments.chunk}"
    )
    text = (
        f"    {command}\n\n"
        f"RISE with {arguments.masks:,} masks on the synthetic benchmark, four targets in two similarities; "
        f"{torch.get_num_threads()} threads, torch {torch.__version__}.\n\n{table}\n\n"
        f"Insertion and deletion of one explicand, 50 steps, all measures: {images} encoder images "
        f"(at most {CURVE_IMAGES}; the official code: {OFFICIAL_CURVE_IMAGES}).\n\n"
        f"Masked images per second: {rise:,.0f} by RISE, {bare:,.0f} by the tower of open_clip in a bare loop of "
        f"{Rise().chunk} images ({rise / bare:.2f} times as many); maps differ by {difference:.0e} of the largest "
        "value at most.\n\n"
        f"{arguments.large_masks:,} masks of 224 × 224 pixels on a ViT-B/32 of random weights, eight targets, "
        f"{arguments.chunk} masked images at a time: {gib:.2f} GiB beside the model at most (allowed: {GIB:g}), "
        f"{seconds:,.0f} s.\n"
    )
    print(text)
    write_section(
        arguments.results / "tables" / "bench_attribution.md",
        "Attributions: encoder images, time and memory",
        run_heading(),
        text,
    )
    return int(fewer < FEWER or images > CURVE_IMAGES or gib > GIB)


if __name__ == "__main__":
    sys.exit(main())
