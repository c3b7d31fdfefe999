"""Whether weights and data that a command names are here, before it imports what takes seconds."""

from __future__ import annotations

from collections.abc import Sequence

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from splice_exp.backbones.published import require_configured_weights
from splice_exp.configuration import CONFIG_DIRECTORY, plain, register
from splice_exp.core.keys import building
from splice_exp.data.presence.sources import require_source


def require_present(arguments: Sequence[str]) -> None:
    """Fetch or refuse weights, and refuse a folder of data that does not exist.

    Args:
        arguments: Of a command; its overrides are `KEY=VALUE`. Those that cannot be composed are left to the command.

    Raises:
        SpliceError: naming the file or the folder, and how to get it.
    """
    overrides = [word for word in arguments if "=" in word and not word.startswith("-")]
    register()
    try:
        with initialize_config_dir(str(CONFIG_DIRECTORY), version_base="1.3"):
            config = compose("config", overrides=overrides)
            backbone, data = plain(config, "backbone"), plain(config, "data")
    except (HydraException, OmegaConfBaseException):
        return
    require_configured_weights(backbone)
    with building("data"):
        require_source(data)
