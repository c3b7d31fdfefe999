"""The configurations of the rows of a sweep, as Hydra composes them, for many rows quickly.

Hydra takes an eighth of a second to compose a configuration, and composes each row twice: to see that it can be, and to
compute it. Rows that choose the same groups differ in values alone, which Hydra sets last: so here, groups are composed
once, and values are set on what came of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, flag_override

from splice_exp.points import Point

KEPT = 64  # configurations, of a megabyte each


class Rows:
    """What Hydra asks for the configuration of a row, in place of `load_sweep_config` of its loader.

    Args:
        loader: Of Hydra; it composes what chooses groups.
    """

    def __init__(self, loader: ConfigLoaderImpl) -> None:
        self.loader = loader
        self.parser = OverridesParser.create(loader)
        self.composed: dict[tuple[str, ...], DictConfig] = {}
        self.groups: dict[str, bool] = {}  # key → whether it is that of a group; Hydra looks into all folders

    def __getstate__(self) -> dict[str, Any]:
        """Leave what was composed behind: other processes compose their own."""
        return {**vars(self), "composed": {}}

    def __call__(self, master_config: DictConfig, sweep_overrides: Sequence[str]) -> DictConfig:
        """Compose a row, as `ConfigLoaderImpl.load_sweep_config` does.

        Args:
            master_config: Of the sweep.
            sweep_overrides: Of the row.
        """
        return deepcopy(self.borrowed(master_config, sweep_overrides))

    def borrowed(self, master: DictConfig, words: Sequence[str]) -> DictConfig:
        """Compose a row, to be read until the next is asked for.

        Args:
            master: Of the sweep.
            words: The overrides of the row.
        """
        parsed = self.parser.parse_overrides(list(words))
        values = [override for override in parsed if self._is_value(override)]
        fixed = [override for override in parsed if not self._is_value(override)]
        parts = [override for override in fixed if not self._is_group(override)]  # groups are chosen before all values
        if any(_overlap(one, other) for one in values for other in parts):
            return self._compose(master, words)
        row = self._with_groups(master, words, fixed, values)
        with flag_override(row, "readonly", False):
            ConfigLoaderImpl._apply_overrides_to_config(values, row)
        job = row.hydra.job
        row.hydra.overrides.task = [override.input_line for override in parsed if not override.is_hydra_override()]
        job.override_dirname = get_overrides_dirname(
            [override for override in parsed if not override.is_hydra_override()],
            exclude_keys=job.config.override_dirname.exclude_keys,
            item_sep=job.config.override_dirname.item_sep,
            kv_sep=job.config.override_dirname.kv_sep,
        )
        return row

    def _with_groups(
        self, master: DictConfig, words: Sequence[str], fixed: Sequence[Override], values: Sequence[Override]
    ) -> DictConfig:
        """Return the configuration that rows share if they differ only in the values of the same keys."""
        key = (*(str(override.input_line) for override in fixed), "", *map(_key, values))
        if key not in self.composed:
            if len(self.composed) == KEPT:
                del self.composed[next(iter(self.composed))]
            self.composed[key] = self._compose(master, words)
        return self.composed[key]

    def _compose(self, master: DictConfig, words: Sequence[str]) -> DictConfig:
        return ConfigLoaderImpl.load_sweep_config(self.loader, master, list(words))

    def _is_value(self, override: Override) -> bool:
        """Return whether an override replaces the value of an existing key; a mapping is merged into it instead."""
        new = _key(override)[0] in "+~" or override.is_hydra_override()
        return not (new or self._is_group(override) or isinstance(override.value(), dict))

    def _is_group(self, override: Override) -> bool:
        """Return whether an override chooses from a group, for the whole configuration or a part of it."""
        key = _key(override).lstrip("+~")
        if key not in self.groups:
            self.groups[key] = "@" in key or bool(self.loader.get_group_options(key))
        return self.groups[key]


def _key(override: Override) -> str:
    return override.get_key_element()


def _overlap(one: Override, other: Override) -> bool:
    """Return whether one override sets a part of what another one sets, so that their order matters."""
    first, second = (f"{_key(override).lstrip('+~')}." for override in (one, other))
    return first.startswith(second) or second.startswith(first)


def rows_of_hydra() -> Rows:
    """Have Hydra compose the rows of a sweep by `Rows`, in this process and in those of launchers.

    Returns:
        What it asks from now on.
    """
    loader = GlobalHydra.instance().config_loader()
    assert isinstance(loader, ConfigLoaderImpl), "Hydra has only one"
    return vars(loader).setdefault("load_sweep_config", Rows(loader))


def composed(points: Sequence[Point], master: DictConfig) -> Iterator[DictConfig]:
    """Yield the configuration of each point, Hydra's own node included; valid until the next is asked for.

    Args:
        points: Of one sweep, in their order.
        master: The configuration of the sweep.
    """
    rows = rows_of_hydra()
    for point in points:
        yield rows.borrowed(master, point.overrides)
