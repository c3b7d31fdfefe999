"""Train a small CLIP of the synthetic benchmark and save it as an ordinary open_clip checkpoint directory.

    python scripts/train_scenes_clip.py --seed 0

Each seed is a member of the ensemble: other weights, other images.

A training that was killed goes on after its last epoch when the same command is given again.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import open_clip
import torch

from splice_exp.backbones.byte_pairs import learn_merges, write_merges
from splice_exp.backbones.checkpoint import CONFIG, WEIGHTS
from splice_exp.backbones.open_clip import OpenClipBackbone
from splice_exp.core.assets import SCENES_CLIP
from splice_exp.core.errors import SpliceError
from splice_exp.core.io import digest, write_json
from splice_exp.core.packages.lightning import callbacks, lightning, loggers
from splice_exp.core.runs.code import code_digest
from splice_exp.core.tensors import tensor_digest, write_tensors
from splice_exp.core.text.places import without_places
from splice_exp.data.scenes.drawing.render import render
from splice_exp.data.scenes.placement import SIDE
from splice_exp.training.captioned import corpus, training_picture
from splice_exp.training.curves import Curves
from splice_exp.training.model_card import measure, write_card
from splice_exp.training.small_clip import HEADS, MEAN, STD, TEMPLATE, Settings, SmallClip

CONTEXT_LENGTH = 40
PATCH = 12  # pixels: seven by seven patches, as CLIP ViT-B/32 has
MLP_RATIO = 2.0  # width of the hidden layer of both towers, in widths
MAX_MERGES = 1_000
DEFAULTS = asdict(Settings())
MERGES = "merges.txt.gz"


def model_config(settings: Settings, vocab_size: int) -> dict[str, Any]:
    """Return the model in open_clip's words."""
    return {
        "embed_dim": settings.dimensions,
        "vision_cfg": {
            "image_size": SIDE,
            "patch_size": PATCH,
            "mlp_ratio": MLP_RATIO,
            "width": settings.width,
            "layers": settings.layers,
            "head_width": settings.width // HEADS,
        },
        "text_cfg": {
            "context_length": CONTEXT_LENGTH,
            "vocab_size": vocab_size,
            "width": settings.width,
            "heads": HEADS,
            "layers": settings.text_layers,
            "mlp_ratio": MLP_RATIO,
            "tokenizer_kwargs": {"bpe_path": MERGES},
        },
    }


def learn_tokenizer(directory: Path, captions: Sequence[str]) -> open_clip.SimpleTokenizer:
    """Learn merges from captions, write them, and return the tokenizer that reads them."""
    words = Counter(word for text in captions for word in text.replace(",", " ").split())
    write_merges(directory / MERGES, learn_merges(words, MAX_MERGES))
    return open_clip.SimpleTokenizer(str(directory / MERGES), context_length=CONTEXT_LENGTH)


def token_weights(tokenizer: open_clip.SimpleTokenizer, captions: Sequence[str]) -> torch.Tensor:
    """Return log(n / (1 + captions with the token)) for each token, zero for the special ones."""
    present = torch.zeros(tokenizer.vocab_size)
    for text in captions:
        present[list(set(tokenizer.encode(text)))] += 1
    weights = (len(captions) / (1 + present)).log().clamp(min=0)
    weights[[0, *tokenizer.all_special_ids]] = 0  # 0 fills up short captions
    return weights


def export(module: SmallClip, model_cfg: dict[str, Any], directory: Path) -> None:
    """Write the model as open_clip reads it by `local-dir:`, weights in half precision."""
    preprocess = {"mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "shortest"}
    write_json(directory / CONFIG, {"model_cfg": model_cfg, "preprocess_cfg": preprocess})
    weights = {name: value.half().contiguous() for name, value in module.model.state_dict().items()}
    write_tensors(directory / WEIGHTS, weights)


def train(settings: Settings, output: Path, run: Path, workers: int, logger: str, command: str) -> None:
    """Train, or go on where a killed training of the same settings stopped; then export and write the card."""
    lightning.seed_everything(settings.seed, workers=True)
    output.mkdir(parents=True, exist_ok=True)
    captions = corpus(settings.seed, settings.corpus)
    run = run / digest(
        [asdict(settings), captions, world_digest(settings.seed), code_digest(["splice_exp.training.small_clip"])]
    )
    tokenizer = learn_tokenizer(output, captions)
    model_cfg = model_config(settings, tokenizer.vocab_size)
    module = SmallClip(model_cfg, tokenizer, token_weights(tokenizer, captions), settings, workers)
    curves = Curves()
    checkpoint = callbacks.ModelCheckpoint(
        run, filename="last", enable_version_counter=False, save_on_train_epoch_end=True
    )
    trainer = lightning.Trainer(
        accelerator="auto",
        devices=1,
        max_epochs=settings.epochs,
        gradient_clip_val=1.0,
        logger=make_logger(logger, run),
        callbacks=[curves, checkpoint, callbacks.TQDMProgressBar(20)],
        reload_dataloaders_every_n_epochs=1,  # each epoch has its own images
        num_sanity_val_steps=0,
        log_every_n_steps=settings.steps,
    )
    last = run / "last.ckpt"
    trainer.fit(module, ckpt_path=last if last.is_file() else None)
    export(module, model_cfg, output)
    backbone = OpenClipBackbone(f"local-dir:{output}", class_templates=[TEMPLATE])
    write_card(output, settings, command, measure(backbone, settings.seed, settings.tested), curves.table())


def world_digest(seed: int) -> str:
    """Digest some pixels: training resumes only with the renderer with which it began."""
    return digest([tensor_digest(torch.from_numpy(render(training_picture(seed, index)))) for index in range(64)])


def make_logger(name: str, run: Path) -> list[loggers.Logger]:
    """Return the loggers: a CSV file always, Weights & Biases (offline) if asked for."""
    written: list[loggers.Logger] = [loggers.CSVLogger(run, name="log")]
    if name == "wandb":
        written.append(loggers.WandbLogger(project="splice_exp", name="train_scenes_clip", save_dir=run, offline=True))
    return written


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, help="checkpoint directory; without it that of the member")
    parser.add_argument(
        "--run", type=Path, default=Path("results/local/runs/train_scenes_clip"), help="progress and curves"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes that draw images")
    parser.add_argument("--logger", choices=("csv", "wandb"), default="csv")
    Settings.add_options(parser, "training/small_clip.py")
    chosen = vars(parser.parse_args())
    try:
        settings = Settings.from_options(chosen)
    except SpliceError as error:
        sys.exit(f"error: {error}")
    changed = {name: value for name, value in asdict(settings).items() if value != DEFAULTS[name]}
    options = [f"--{name.replace('_', '-')} {value}" for name, value in changed.items()]
    chosen["output"] = chosen["output"] or SCENES_CLIP / str(settings.seed)
    train(settings, **chosen, command=without_places(" ".join(["python scripts/train_scenes_clip.py", *options])))


if __name__ == "__main__":
    main()
