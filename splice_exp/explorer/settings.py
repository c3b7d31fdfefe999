"""From the overrides of a command line to the configuration of the explorer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from splice_exp.configuration import CONFIG_DIRECTORY, register, resolve
from splice_exp.core.errors import SpliceError

# What the page begins with where nobody says otherwise: maps in seconds, and nothing is mirrored.
DEFAULTS = ("data=scenes", "method=rise_scenes", "removal=mean", "logger=none")


def spelled_out(overrides: Sequence[str]) -> list[str]:
    """Return overrides with those of `DEFAULTS` before them that they do not replace.

    Example:
        >>> spelled_out(["data=pictures", "data.paths=[cat.jpg]"])[:2]
        ['method=rise_scenes', 'removal=mean']
    """
    keys = {one.partition("=")[0] for one in overrides}
    return [*(one for one in DEFAULTS if one.partition("=")[0] not in keys), *overrides]


def composed(overrides: Sequence[str]) -> dict[str, Any]:
    """Return the resolved configuration of some overrides.

    Raises:
        SpliceError: if they do not compose.
    """
    register()
    try:
        with initialize_config_dir(str(CONFIG_DIRECTORY), version_base="1.3"):
            return resolve(compose("config", overrides=spelled_out(overrides)))
    except (HydraException, OmegaConfBaseException) as error:
        raise SpliceError(f"{' '.join(overrides)}: {str(error).splitlines()[0]}") from error
