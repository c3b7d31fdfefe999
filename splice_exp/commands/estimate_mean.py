"""Estimate the image mean of a data set, and write it as a file for alignment.image_mean.

    python -m splice_exp estimate-mean MEAN.safetensors data=scenes data.split=train data.num_samples=4096
    python -m splice_exp estimate-mean MEAN.safetensors backbone=vit_b_32_laion2b data=coco_captions trainer=gpu

Everything after the file is as for `python -m splice_exp`. The mean is that of all normalised embeddings, not
normalised again, and the same for any number of processes, because it is taken of all of them in their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from splice_exp.commands import parser_of
from splice_exp.core.errors import SpliceError


def main(arguments: Sequence[str]) -> None:
    """Read the command line."""
    parser = parser_of("estimate-mean", __doc__)
    parser.add_argument("output", type=Path, help="file to write, .safetensors")
    parser.add_argument("overrides", nargs="*", help="backbone=… data=… trainer=…")
    chosen = parser.parse_args(arguments)
    estimate(chosen.output, chosen.overrides)


def estimate(output: Path, overrides: Sequence[str]) -> None:
    """Embed, average and write.

    Args:
        output: File to write.
        overrides: Of the configuration.

    Raises:
        SpliceError: if that cannot be done.
    """
    from hydra import compose, initialize_config_dir  # late, as all that --help does without
    from hydra.errors import HydraException

    from splice_exp.build import build
    from splice_exp.configuration import CONFIG_DIRECTORY, register, resolve
    from splice_exp.core.io import sidecar, write_json
    from splice_exp.core.tensors import write_tensors
    from splice_exp.core.text.visible import say
    from splice_exp.distributed.batches import Share
    from splice_exp.distributed.cache import Cache, ShareDone
    from splice_exp.distributed.trainer import is_main
    from splice_exp.embeddings.extract import extract
    from splice_exp.embeddings.geometry import image_mean

    try:
        if output.suffix != ".safetensors":
            raise SpliceError(f"The output is {str(output)!r}, but must end in .safetensors.")
        register()
        with initialize_config_dir(str(CONFIG_DIRECTORY), version_base="1.3"):
            config = resolve(compose("config", overrides=list(overrides)))
        data, backbone, machine = (
            build(config[key], key, trust=config["trust"]) for key in ("data", "backbone", "trainer")
        )
        cache = Cache(Path(config["paths"]["cache"]), machine, Share(**config["shard"]), config["repair"])
        embeddings = extract(data, backbone, cache)
        if is_main():
            write_tensors(output, {"mean": image_mean(embeddings)})
            described = {"data": data.name, "num_samples": len(embeddings), "backbone": backbone.backbone_id}
            write_json(sidecar(output), described)
            say(str(output))
    except ShareDone as done:
        say(str(done))
    except HydraException as error:
        raise SpliceError(str(error)) from error
