"""Weights & Biases as a mirror of our records, never their source."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from splice_exp.core.errors import require_choice


class TrackedRun(ABC):
    """One run, open."""

    @abstractmethod
    def metrics(self, metrics: Mapping[str, Any]) -> None:
        """Log numbers, under the names they have in metrics.json; null ones are left out."""

    @abstractmethod
    def table(self, name: str, frame: pd.DataFrame) -> None:
        """Log a table; its pictures are shown as such."""

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

        shown = frame.map(lambda value: wandb.Image(value) if isinstance(value, Image.Image) else value)
        rows: list[Any] = shown.astype(object).where(frame.notna(), None).to_numpy().tolist()
        columns: list[Any] = list(frame)
        self._run.log({name: wandb.Table(columns=columns, data=rows)})

    def figures(self, paths: Sequence[Path]) -> None:
        import wandb

        self._run.log({f"figures/{path.stem}": wandb.Image(str(path)) for path in paths if path.suffix == ".png"})


def swept_from_outside() -> bool:
    """Say whether an agent of a W&B sweep has started this process, and given it the one run it may have."""
    return "WANDB_SWEEP_ID" in os.environ


class WandbTracker(Tracker):
    """Mirrors each run to Weights & Biases: one run a job, grouped by experiment.

    Args:
        project: Project name.
        mode: `offline` (files only, `wandb sync` sends them later) or `online`.
        directory: Where its files go, in a folder `wandb`.
    """

    def __init__(self, project: str, mode: str, directory: str) -> None:
        require_choice("mode", mode, ("offline", "online"))
        self._project, self._mode, self._directory = project, mode, Path(directory)

    @contextmanager
    def run(self, name: str, group: str, config: Mapping[str, Any]) -> Iterator[TrackedRun]:
        import wandb

        self._directory.mkdir(parents=True, exist_ok=True)
        elsewhere = os.environ.get("WANDB_DATA_DIR")
        os.environ["WANDB_DATA_DIR"] = elsewhere or str(
            self._directory.resolve() / "wandb"
        )  # of tables; not the home folder
        run = wandb.init(
            project=self._project,
            name=name,
            group=group,
            config=dict(config),
            mode=self._mode,  # type: ignore[arg-type]
            dir=self._directory,
            settings=wandb.Settings(silent=True, console="off", x_disable_meta=True),  # no command, user or folder
            reinit="finish_previous",
        )
        exit_code = 1
        try:
            yield _WandbRun(run)
            exit_code = 0
        finally:
            run.finish(exit_code=exit_code)
            if elsewhere is None:
                del os.environ["WANDB_DATA_DIR"]
