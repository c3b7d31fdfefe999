"""Fine-tune a residual network as a classifier of any data set, and save it as a file of tensors.

    python -m splice_exp train-classifier data=mura data.split=train --weights W.pth --output data/weights/mura_r18.pth

What is left of the line are overrides of `data`, as on the command line of experiments. --weights is a checkpoint of
the same architecture to begin with; without one, weights are random. A training that was killed goes on after its last
epoch when the same command is given again. Use the result as backbone=mura_r18, which looks for it there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from splice_exp.commands import parser_of
from splice_exp.core.errors import SpliceError
from splice_exp.training.classifier_settings import Settings

if TYPE_CHECKING:
    from splice_exp.data.base import EncodableSource


def data_of(overrides: list[str]) -> EncodableSource:
    """Return the data set that some overrides choose.

    Raises:
        SpliceError: if they choose none, or one without images.
    """
    from hydra import compose, initialize_config_dir  # late, as all that --help does without
    from hydra.errors import HydraException
    from PIL import Image

    from splice_exp.build import build
    from splice_exp.configuration import CONFIG_DIRECTORY, register, resolve
    from splice_exp.data.base import EncodableSource

    register()
    try:
        with initialize_config_dir(str(CONFIG_DIRECTORY), version_base="1.3"):
            config = resolve(compose("config", overrides=[*overrides, "logger=none"]))
            data = build(config["data"], "data", trust=config["trust"])
    except HydraException as error:
        raise SpliceError(f"{' '.join(overrides)}: {str(error).splitlines()[0]}") from error
    if not isinstance(data, EncodableSource) or not isinstance(data.inputs(0, 1)[0], Image.Image):
        raise SpliceError(f"{data.name} holds no images: take data that do, as data=mura.")
    return data


def main(arguments: Sequence[str]) -> None:
    """Read the command line."""
    parser = parser_of("train-classifier", __doc__)
    parser.add_argument("overrides", nargs="+", help="of the data, as data=mura data.split=train")
    parser.add_argument("--weights", help="checkpoint to begin with")
    parser.add_argument("--output", type=Path, required=True, help="file of tensors")
    parser.add_argument(
        "--run", type=Path, default=Path("results/local/runs/train_classifier"), help="progress and curves"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes that read images")
    Settings.add_options(parser, "training/classifier_settings.py")
    chosen = vars(parser.parse_args(arguments))
    settings = Settings.from_options(chosen)
    if chosen["weights"] is not None:
        given, chosen["weights"] = chosen["weights"], str(Path(chosen["weights"]).expanduser())
        if not Path(chosen["weights"]).is_file():
            raise SpliceError(f"--weights is {given!r}, but there is no such file: give a checkpoint.")
    from splice_exp.training.train_classifier import train  # late: it brings torch

    train(settings, data_of(chosen.pop("overrides")), **chosen)
