"""Fine-tune a residual network as a classifier of any data set, and save it as a file of tensors.

    python -m splice_exp train-classifier data=mura data.split=train --weights W.pth --output data/weights/mura_r18.pth

What is left of the line are overrides of `data`, as on the command line of experiments. --weights is a checkpoint of
the same architecture to begin with; without one, weights are random. A training that was killed goes on after its last
epoch when the same command is given again. Use the result as backbone=mura_r18, which looks for it there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import lightning
import torch
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger
from PIL import Image
from torch import nn

from splice_exp.backbones.resnet import build_network, load_encoder, read_state
from splice_exp.build import build
from splice_exp.commands import parser_of
from splice_exp.configuration import CONFIG_DIRECTORY, register, resolve
from splice_exp.core.errors import SpliceError
from splice_exp.core.io import atomic, digest, file_digest
from splice_exp.core.runs.code import code_of
from splice_exp.core.text.visible import say
from splice_exp.data.base import EncodableSource
from splice_exp.training.classifier import MONITORED, Classifier, Settings, loaders


def data_of(overrides: list[str]) -> EncodableSource:
    """Return the data set that some overrides choose.

    Raises:
        SpliceError: if they choose none, or one without pictures.
    """
    register()
    try:
        with initialize_config_dir(str(CONFIG_DIRECTORY), version_base="1.3"):
            config = resolve(compose("config", overrides=[*overrides, "logger=none"]))
            data = build(config["data"], "data", trust=config["trust"])
    except HydraException as error:
        raise SpliceError(f"{' '.join(overrides)}: {str(error).splitlines()[0]}") from error
    if not isinstance(data, EncodableSource) or not isinstance(data.inputs(0, 1)[0], Image.Image):
        raise SpliceError(f"{data.name} has no pictures: set data to images.")
    return data


def network_of(settings: Settings, num_classes: int, weights: str | None) -> nn.Module:
    """Return a network with a new last layer, on top of an encoder from a file or of random weights."""
    network = build_network(settings.architecture, settings.stem)
    if weights is not None:
        load_encoder(network, read_state(weights, ""), weights)
    network.fc = nn.Linear(network.fc.in_features, num_classes)
    return network


def train(
    settings: Settings, data: EncodableSource, weights: str | None, output: Path, run: Path, workers: int
) -> None:
    """Train, or go on where a killed training of the same settings and data stopped; then write the weights."""
    lightning.seed_everything(settings.seed, workers=True)
    module = Classifier(network_of(settings, len(data.classes), weights), settings)
    identity = [asdict(settings), data.fingerprint(), weights and file_digest(Path(weights)), code_of(module, data)]
    run = run / digest(identity)
    checkpoint = ModelCheckpoint(run, filename="last", enable_version_counter=False, save_on_train_epoch_end=True)
    trainer = lightning.Trainer(
        accelerator="auto",
        devices=1,
        max_epochs=settings.epochs,
        logger=CSVLogger(run, name="log"),
        callbacks=[checkpoint, EarlyStopping(MONITORED, patience=settings.patience), TQDMProgressBar(20)],
        num_sanity_val_steps=0,
        log_every_n_steps=1,
    )
    last = run / "last.ckpt"
    if not has_ended(last, settings):
        trainer.fit(module, *loaders(data, settings, workers), ckpt_path=last if last.is_file() else None)
    else:
        module.load_state_dict(torch.load(last, weights_only=True)["state_dict"])
    with atomic(output) as temporary:
        torch.save({"state_dict": module.network.state_dict(), "classes": list(data.classes)}, temporary)
    say(f"wrote {output}: {', '.join(data.classes)}")


def has_ended(checkpoint: Path, settings: Settings) -> bool:
    """Say whether a training has stopped because its validation loss had not fallen any more."""
    if not checkpoint.is_file():
        return False
    states = torch.load(checkpoint, weights_only=True)["callbacks"]
    waited = [state["wait_count"] for name, state in states.items() if name.startswith(EarlyStopping.__name__)]
    return any(epochs >= settings.patience for epochs in waited)


def main(arguments: Sequence[str]) -> None:
    """Read the command line."""
    parser = parser_of("train-classifier", __doc__)
    parser.add_argument("overrides", nargs="+", help="of the data, as data=mura data.split=train")
    parser.add_argument("--weights", help="checkpoint to begin with")
    parser.add_argument("--output", type=Path, required=True, help="file of tensors")
    parser.add_argument(
        "--run", type=Path, default=Path("results/local/runs/train_classifier"), help="progress and curves"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes that read pictures")
    Settings.add_options(parser, "training/classifier.py")
    chosen = vars(parser.parse_args(arguments))
    settings = Settings.from_options(chosen)
    train(settings, data_of(chosen.pop("overrides")), **chosen)
