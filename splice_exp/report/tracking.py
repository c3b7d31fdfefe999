"""Weights & Biases as a mirror of our records, never their source."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from splice_exp.core.errors import require_choice


class TrackedRun(ABC):
    """One run, open."""

    @abstractmethod
    def metrics(self, metrics: Mapping[str, Any]) -> None:
        """Log numbers, under the names they have in metrics.json; null ones are left out."""

    @abstractmethod
    def table(self, name: str, frame: pd.DataFrame) -> None:
        """Log a table."""

    @abstractmethod
    def figures(self, paths: Sequence[Path]) -> None:
        """Log pictures (those that are PNG)."""


class Tracker(ABC):
    """Opens runs."""

    @abstractmethod
    def run(self, name: str, group: str, config: Mapping[str, Any]) -> Any:
        """Return a context in which the run is open; it is finished on failure too, and then marked as failed."""


class _Untracked(TrackedRun):
    def metrics(self, metrics: Mapping[str, Any]) -> None: ...
    def table(self, name: str, frame: pd.DataFrame) -> None: ...
    def figures(self, paths: Sequence[Path]) -> None: ...


class NoTracker(Tracker):
    """Keeps the records here only."""

    @contextmanager
    def run(self, name: str, group: str, config: Mapping[str, Any]) -> Iterator[TrackedRun]:
        yield _Untracked()


class _WandbRun(TrackedRun):
    def __init__(self, run: Any) -> None:
        self._run = run

    def metrics(self, metrics: Mapping[str, Any]) -> None:
        self._run.summary.update({name: value for name, value in metrics.items() if value is not None})

    def table(self, name: str, frame: pd.DataFrame) -> None:
        import wandb

        self._run.log({name: wandb.Table(dataframe=frame)})

    def figures(self, paths: Sequence[Path]) -> None:
        import wandb

        self._run.log({f"figures/{path.stem}": wandb.Image(str(path)) for path in paths if path.suffix == ".png"})


class WandbTracker(Tracker):
    """Mirrors each run to Weights & Biases: one run a job, grouped by experiment.

    Args:
        project: Project name.
        mode: `offline` (files only, `wandb sync` sends them later) or `online`.
        directory: Where its files go, in a folder `wandb`.
    """

    def __init__(self, project: str, mode: str, directory: str) -> None:
        require_choice("logger.mode", mode, ("offline", "online"))
        self._project, self._mode, self._directory = project, mode, Path(directory)

    @contextmanager
    def run(self, name: str, group: str, config: Mapping[str, Any]) -> Iterator[TrackedRun]:
        import wandb

        self._directory.mkdir(parents=True, exist_ok=True)
        run = wandb.init(
            project=self._project,
            name=name,
            group=group,
            config=dict(config),
            mode=self._mode,  # type: ignore[arg-type]
            dir=self._directory,
            settings=wandb.Settings(silent=True, console="off"),
            reinit="finish_previous",
        )
        exit_code = 1
        try:
            yield _WandbRun(run)
            exit_code = 0
        finally:
            run.finish(exit_code=exit_code)
