"""The training of a classifier: it resumes after its last complete epoch, and writes a file of weights."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn

from splice_exp.backbones.resnet import build_network, load_encoder, read_state
from splice_exp.core.io import atomic, digest, file_digest
from splice_exp.core.packages.lightning import callbacks, lightning, loggers
from splice_exp.core.runs.code import code_of
from splice_exp.core.text.visible import say
from splice_exp.data.base import EncodableSource
from splice_exp.training.classifier import MONITORED, Classifier, loaders
from splice_exp.training.classifier_settings import Settings


def network_of(settings: Settings, num_classes: int, weights: str | None) -> nn.Module:
    """Return a network with a new last layer, on top of an encoder from a file or of random weights.

    Args:
        settings: Architecture and stem.
        num_classes: c.
        weights: File of the encoder's weights; none, for random ones.

    Raises:
        SpliceError: if the file cannot be read, or does not fit the architecture.
    """
    network = build_network(settings.architecture, settings.stem)
    if weights is not None:
        load_encoder(network, read_state(weights, ""), weights)
    network.fc = nn.Linear(network.fc.in_features, num_classes)
    return network


def train(
    settings: Settings, data: EncodableSource, weights: str | None, output: Path, run: Path, workers: int
) -> None:
    """Train, or resume a killed training of the same settings and data; then write the weights of the last epoch.

    Args:
        settings: Of the training.
        data: Images with two or more classes.
        weights: File of the encoder's weights to begin with; none, for random ones.
        output: File to write, as `torch.save` does: `state_dict`, and `classes`, the class names in order.
        run: Folder of checkpoints and logs; each training has its own folder in it.
        workers: Processes that read images.

    Raises:
        SpliceError: if there are too few classes or samples, or the file of weights does not fit.
    """
    lightning.seed_everything(settings.seed, workers=True)
    module = Classifier(network_of(settings, len(data.classes), weights), settings)
    identity = [asdict(settings), data.fingerprint(), weights and file_digest(Path(weights)), code_of(module, data)]
    run = run / digest(identity)
    checkpoint = callbacks.ModelCheckpoint(
        run, filename="last", enable_version_counter=False, save_on_train_epoch_end=True
    )
    stopping = callbacks.EarlyStopping(MONITORED, patience=settings.patience)
    trainer = lightning.Trainer(
        accelerator="auto",
        devices=1,
        max_epochs=settings.epochs,
        logger=loggers.CSVLogger(run, name="log"),
        callbacks=[checkpoint, stopping, callbacks.TQDMProgressBar(20)],
        num_sanity_val_steps=0,
        log_every_n_steps=1,
    )
    last = run / "last.ckpt"
    if not has_ended(last, settings):
        trainer.fit(module, *loaders(data, settings, workers), ckpt_path=last if last.is_file() else None)
    else:
        module.load_state_dict(torch.load(last, map_location="cpu", weights_only=True)["state_dict"])
    with atomic(output) as temporary:
        torch.save({"state_dict": module.network.state_dict(), "classes": list(data.classes)}, temporary)
    say(f"wrote {output}: {', '.join(data.classes)}")


def has_ended(checkpoint: Path, settings: Settings) -> bool:
    """Whether a training has stopped because its validation loss no longer fell.

    Args:
        checkpoint: Of its last epoch; it need not exist.
        settings: Of the training.
    """
    if not checkpoint.is_file():
        return False
    states = torch.load(checkpoint, map_location="cpu", weights_only=True)["callbacks"]
    stopping = callbacks.EarlyStopping.__name__
    waited = [state["wait_count"] for name, state in states.items() if name.startswith(stopping)]
    return any(epochs >= settings.patience for epochs in waited)
