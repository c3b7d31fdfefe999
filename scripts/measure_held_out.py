"""Which kinds of concepts to hold out of the vocabulary: how well codes fit, and classify, without them.

    python scripts/measure_held_out.py splice_exp/assets/scenes_clip/0 --hold camera,border mark,prop

Every row holds the kinds of all rows before it out, too. Wanted are a centred cosine between 0.30 and 0.55 at L = 0.25,
where photographs have it with CLIP, and classes that embeddings tell apart in 60 to 93 of 100 images.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import torch
from torch.nn.functional import cosine_similarity

from splice_exp.backbones.open_clip import OpenClipBackbone
from splice_exp.core.text import markdown
from splice_exp.core.types import Embeddings
from splice_exp.data.scenes.plain import Scenes
from splice_exp.data.scenes.world import held_out_words
from splice_exp.decomposition.splice import Decomposition, decompose
from splice_exp.dictionaries.build_vocabulary import Choices, build_vocabulary
from splice_exp.dictionaries.text import encode_concepts
from splice_exp.embeddings.extract import extract
from splice_exp.embeddings.geometry import Alignment, center
from splice_exp.solvers.active_set import ActiveSet
from splice_exp.training.captioned import corpus

CHOICES = Choices(num_pairs=400, min_count=10)  # of the vocabulary that comes with the package
TASKS = {"scene": 5, "shape": 1, "colour": 1}  # class → most objects of an image


def centred_cosine(found: Decomposition, embeddings: Embeddings, mean: torch.Tensor) -> float:
    """Return the mean cosine of targets with what codes make of them."""
    targets, _ = center(embeddings.features, mean)
    return float(cosine_similarity(targets, found.codes @ found.dictionary.atoms, dim=1).mean())


def main() -> None:
    """Read the command line and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", help="folder")
    parser.add_argument("--hold", nargs="*", default=[], help="kinds to hold out, row by row")
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--captions", type=int, default=4000, help="images whose captions the vocabulary is made of")
    parser.add_argument("--penalty", type=float, default=0.25)
    chosen = parser.parse_args()
    backbone = OpenClipBackbone(f"local-dir:{chosen.checkpoint}")
    texts = corpus(0, chosen.captions)
    mean = Alignment().mean_of(extract(Scenes(chosen.samples, split="train", seed=99), backbone))
    tasks = {name: Scenes(chosen.samples, max_objects=most, label=name) for name, most in TASKS.items()}
    images = {name: extract(data, backbone) for name, data in tasks.items()}
    rows, held = [], []
    for kinds in ["", *chosen.hold]:
        held += [kind for kind in kinds.split(",") if kind]
        names, _ = build_vocabulary(texts, CHOICES, None, held_out_words(held))
        rows.append(
            [", ".join(held) or "none", len(names), *_row(backbone, names, tasks, images, mean, chosen.penalty)]
        )
    headings = ["held out", "concepts", "L0", "centred cosine"]
    headings += [f"{name}, {how} %" for name in tasks for how in ("dense", "by codes")]
    print("\n".join(markdown.table(headings, rows).splitlines()))


def _row(
    backbone: OpenClipBackbone,
    names: Sequence[str],
    tasks: dict[str, Scenes],
    images: dict[str, Embeddings],
    mean: torch.Tensor,
    penalty: float,
) -> list[str]:
    dictionary = encode_concepts(names, backbone, Alignment(), {})
    row = []
    for name, data in tasks.items():
        found = decompose(images[name], dictionary, ActiveSet(l1_penalty=penalty), Alignment(), mean)
        if not row:
            cosine = centred_cosine(found, images[name], mean)
            row += [f"{float(found.codes.l0().float().mean()):.2f}", f"{cosine:.3f}"]
        classes = backbone.encode_classes(data.classes)
        for features in (images[name].features, found.reconstruct()):
            right = ((features @ classes.T).argmax(dim=1) == data.labels).float().mean()
            row.append(f"{100 * float(right):.1f}")
    return row


if __name__ == "__main__":
    main()
