"""Time rendering an image of the synthetic benchmark against embedding it: rendering must not be the bottleneck.

python benchmarks/bench_scenes.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

from PIL import Image

from splice_exp.backbones.load import load_backbone
from splice_exp.core.text import markdown
from splice_exp.data.scenes.captions import captions
from splice_exp.data.scenes.drawing.render import masks, render
from splice_exp.data.scenes.picture import draw_picture
from splice_exp.data.scenes.sources import random_of

SIZE = 512
REPEATS = 3


def milliseconds(work: Callable[[], object]) -> float:
    """Return the time of one image, the least of a few repeats."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) / SIZE * 1000)
    return min(times)


def main() -> None:
    """Print milliseconds per image and their ratio to embedding."""
    backbone = load_backbone()
    drawn = [draw_picture(random_of("val", 0, index), [{}] * (1 + index % 3)) for index in range(SIZE)]
    images = [Image.fromarray(render(picture)) for picture in drawn]
    steps: dict[str, Callable[[], object]] = {
        "draw by lot": lambda: [draw_picture(random_of("val", 0, i), [{}] * (1 + i % 3)) for i in range(SIZE)],
        "captions": lambda: [captions(picture) for picture in drawn],
        "pixels": lambda: [render(picture) for picture in drawn],
        "masks": lambda: [masks(picture) for picture in drawn],
        "embed": lambda: backbone.encode_images(images),
    }
    found = {name: milliseconds(work) for name, work in steps.items()}
    rows = [[name, f"{value:.3f}", f"{value / found['embed']:.3f}"] for name, value in found.items()]
    print(markdown.table(["one to three objects", "ms per image", "of embedding"], rows))


if __name__ == "__main__":
    main()
