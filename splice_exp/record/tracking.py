"""Weights & Biases as a mirror of our records, never their source."""

from __future__ import annotations

import os
import shlex
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from splice_exp.core.errors import require_choice, require_names


class TrackedRun(ABC):
    """One run, open."""

    @abstractmethod
    def metrics(self, metrics: Mapping[str, Any]) -> None:
        """Log numbers, under the names they have in metrics.json; null ones are left out."""

    @abstractmethod
    def table(self, name: str, frame: pd.DataFrame) -> None:
        """Log a table; its images are shown as such.

        Args:
            name: Under which it is logged.
            frame: The table.
        """

    @abstractmethod
    def figures(self, paths: Sequence[Path]) -> None:
        """Log figures (those that are PNG files)."""


class Tracker(ABC):
    """Opens runs."""

    @abstractmethod
    def run(self, name: str, group: str, config: Mapping[str, Any]) -> Any:
        """Return a context in which the run is open; it is finished on failure too, and then marked as failed.

        Args:
            name: Of the run.
            group: Runs of one experiment have the same.
            config: All settings of the run, as plain values.
        """

    def to_send(self) -> str | None:
        """Return the command that sends what lies here only; None if there is nothing to send."""
        return None


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
        entity: User or team that it belongs to; None: the default of whoever sends it.
        tags: Of every run.
        notes: What the runs are about, in a sentence or more.
        mode: `offline` (files only, `wandb sync` sends them later) or `online`.
        directory: Where its files go, in a folder `wandb`.
    """

    def __init__(
        self,
        project: str,
        entity: str | None = None,
        tags: Sequence[str] = (),
        notes: str | None = None,
        mode: str = "offline",
        directory: str = "results/local",
    ) -> None:
        require_choice("mode", mode, ("offline", "online"))
        require_names("tags", tags)
        self._project, self._entity, self._tags, self._notes = project, entity, tuple(tags), notes
        self._mode, self._directory = mode, Path(directory)

    def to_send(self) -> str | None:
        if self._mode == "online":
            return None
        folder = shlex.quote(os.path.relpath(self._directory / "wandb"))
        return f"wandb sync {folder}/offline-run-*"

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
            entity=self._entity,
            tags=self._tags,
            notes=self._notes,
            name=name,
            group=group,
            config=dict(config),
            mode=self._mode,  # type: ignore[arg-type]
            dir=self._directory,
            settings=wandb.Settings(  # no command, user or folder; packages are in the record
                silent=True, console="off", x_disable_meta=True, x_save_requirements=False
            ),
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
