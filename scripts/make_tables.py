"""Make the committed tables: every experiment on the synthetic benchmark and, if given, on real CLIP embeddings.

    python scripts/make_tables.py [--real REAL] [--made results/local/make_tables] [--committed results]

REAL is a folder with text/objects1585.safetensors, embeddings/*.safetensors and means/clip_ViT-B-32_image.safetensors
(OpenAI CLIP ViT-B/32), and the same of pairs of images and captions by ViT-B/16. Each table is one command, which
stands in its head; on the benchmark it is of all members of `scenes_clip`. What is complete is not computed again.
How long each command takes is printed, and in the end what all of them took.
Everything is made in a separate folder; tables and the README's figures are then copied to what is committed.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

from splice_exp.core.assets import members

CURVES_AND_ABLATIONS = (
    "zero_shot",
    "zero_shot_sparsity",
    "dictionary_sparsity",
    "ablation_nonneg",
    "nonneg_sparsity",
    "ablation_centering",
    "ablation_dictionary",
)
DEMO = {"quickstart": (), "ablation_nonneg": ("table=ablation_nonneg_member0",)}  # of one member, as `make demo`
WORLD_ONLY = (  # they need images, captions, attributes, or a ground truth
    "modality_gap",
    "linearity",
    "probing",
    "zero_shot_attributes",
    "concept_recovery",
    "class_concepts",
    "retrieval",
    "semantic_relevance",
    "text_decomposition",
    "antonyms",
    "spurious_histogram",
    "dataset_drift",
    "dataset_shift",
    "intervention_attributes",
    "intervention_spurious",
    "stability",
    "ablation_vocabulary_size",
    "ablation_solver",
    "ablation_coherence",
)
ATTRIBUTIONS = (  # on the synthetic benchmark, of one seed: a pass over masked images takes minutes a model
    "cocoa_localization",
    "concept_maps",
    "cocoa_augmentations",
    "cocoa_sanity",
    "cocoa_insertion_deletion",
    "cocoa_corpus_size",
    "cocoa_foil_size",
    "counterfactual_maps",
)
HEADS = (  # on the synthetic benchmark
    "sith_heads",
    "sith_fidelity",
    "sith_replacement",
    "sith_grounding",
    "sith_coherence",
    "sith_spans",
    "sith_edit_spurious",
    "sith_edit_unsafe",
    "sith_edit_classification",
    "sith_edit_codes",
    "sith_edit_counterfactuals",
    "sith_adaptation",
)
LEARNED = ("concept_methods", "amortisation", "counterfactuals")  # dictionaries that are trained: of three seeds
DRAWN = (  # dictionaries, halves of vocabularies and the like are sampled at random: of five seeds
    "dictionary_sparsity",
    "ablation_dictionary",
    "ablation_vocabulary_size",
    "ablation_coherence",
    "class_concepts",
    "stability",
)
DATA = ("caltech101_test", "imagenet_4shot", "cifar10_test500")
README_FIGURES = ("quickstart_samples.png", "zero_shot_sparsity_caltech101_test.png")
HALVED = ("concept_methods", "amortisation")  # fitted to one half of a file, judged on the other
LARGE = DATA[:2]  # whose halves have more samples than dictionaries have atoms
PAIRS = "coco_val_pairs300_vitb16"  # images with the embeddings of captions
ABOUT_PAIRS: dict[str, tuple[str, ...]] = {
    "modality_gap": (),
    "retrieval": ("evaluation.protocol=all", "seed=0"),  # batches of the same pairs overlap, and are no replicates
    "text_decomposition": (),
    "stability": (),
    "ablation_centering": (),
    "ablation_nonneg": (),
}  # experiment → what is set besides
TEXTS = {PAIRS: "coco133_vitb16"}  # other data: objects1585
MEANS = {PAIRS: "clip_ViT-B-16_image"}  # other data: clip_ViT-B-32_image
MEMBERS = f"backbone.member={','.join(map(str, members()))}"
ON_ONE = ("class_concepts", "stability", "ablation_vocabulary_size")  # on the first of them only


def main() -> None:
    """Run all commands, one after the other; stop at the first that fails."""
    start = time.monotonic()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, help="folder of real embeddings")
    parser.add_argument(
        "--made", type=Path, default=Path("results/local/make_tables"), help="paths.results of the commands"
    )
    parser.add_argument("--committed", type=Path, default=Path("results"), help="where tables are copied to")
    arguments = parser.parse_args()
    for experiment, overrides in DEMO.items():
        splice_exp(f"experiment={experiment}", *overrides, "logger=none", f"paths.results={arguments.made}")
    seeds_of = dict.fromkeys((*WORLD_ONLY, *CURVES_AND_ABLATIONS), "0,1") | dict.fromkeys(DRAWN, "0,1,2,3,4")
    seeds_of |= dict.fromkeys(LEARNED, "0,1,2") | dict.fromkeys((*HEADS, *ATTRIBUTIONS), "0")
    for experiment, seeds in seeds_of.items():
        splice_exp(
            "-m", f"experiment={experiment}", MEMBERS, f"seed={seeds}", "logger=none", f"paths.results={arguments.made}"
        )
    for data in DATA if arguments.real else ():
        for experiment in CURVES_AND_ABLATIONS:
            on_real(experiment, data, arguments.real, arguments.made, "seed=0")  # other seeds draw nothing new
    if arguments.real:
        for experiment in ON_ONE:
            on_real(experiment, DATA[0], arguments.real, arguments.made, "seed=0")
        for data in LARGE:
            for experiment in HALVED:
                halves = ("learned_from=other_half", "seed=0,1,2")  # of the same samples: seeds are those of the fits
                on_real(experiment, data, arguments.real, arguments.made, *halves)
        for experiment, overrides in ABOUT_PAIRS.items():
            on_real(experiment, PAIRS, arguments.real, arguments.made, *overrides)
        # Halves by class; those of other seeds overlap, and are no replicates.
        on_real("probing", DATA[0], arguments.real, arguments.made, "evaluation.train=null", "seed=0")
    publish(arguments.made, arguments.committed)
    print(f"all tables: {(time.monotonic() - start) / 3600:.1f} h")


def on_real(experiment: str, data: str, real: Path, results: Path, *overrides: str) -> None:
    """Run an experiment on a file of real embeddings."""
    splice_exp(
        *(f"experiment={experiment}", "backbone=precomputed"),
        f"backbone.texts={real / 'text' / TEXTS.get(data, 'objects1585')}.safetensors",
        *("data=embeddings_file", f"data.path={real / 'embeddings' / f'{data}.safetensors'}"),
        "vocabulary=bank",
        f"alignment.image_mean={real / 'means' / MEANS.get(data, 'clip_ViT-B-32_image')}.safetensors",
        *overrides,
        *(f"table={experiment}_{data}", "logger=none", f"paths.results={results}"),
    )


def publish(made: Path, committed: Path) -> None:
    """Copy tables, without figures that are not committed, and the figures of the README."""
    for path in sorted((made / "tables").glob("*.md")):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith("![")]
        text = "".join(line for line, before in zip(kept, ["", *kept], strict=False) if line.strip() or before.strip())
        (committed / "tables" / path.name).write_text(text, encoding="utf-8")
    for path in sorted((made / "tables").glob("*.csv")):
        shutil.copyfile(path, committed / "tables" / path.name)
    for path in (made / "figures" / name for name in README_FIGURES):
        if path.is_file():  # one is of real embeddings
            shutil.copyfile(path, committed / "figures" / path.name)


def splice_exp(*overrides: str) -> None:
    """Run one command."""
    start = time.monotonic()
    subprocess.run([sys.executable, "-m", "splice_exp", *overrides], check=True)
    name = next(word for word in overrides if word.startswith("experiment="))
    print(f"{name}: {(time.monotonic() - start) / 60:.1f} min", flush=True)


if __name__ == "__main__":
    main()
