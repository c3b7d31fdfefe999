"""Where a computation runs: the processes, their devices, and how samples reach them."""

from __future__ import annotations

import logging
import multiprocessing
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import torch

from splice_exp.core.errors import SpliceError, require_bool, require_choice, require_integer
from splice_exp.core.keys import key_of

if TYPE_CHECKING:
    from lightning.pytorch import Trainer
    from lightning.pytorch.callbacks import Callback

ACCELERATORS = ("auto", "cpu", "gpu")
PROCESSES_PER_CORE = 8  # at most
LAUNCHERS = {"TORCHELASTIC_RUN_ID", "SLURM_NTASKS"}  # variables without which no launcher has started a process
PATIENCE = timedelta(days=7)  # with which a process waits for others, whose shares may have been resumed


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Processes and devices; none of it changes a number.

    Several processes on one machine are started here. On several machines a launcher starts one a device and says so
    in the environment (`torchrun`, Slurm); every one of them runs the same command.

    Args:
        accelerator: `cpu`, `gpu`, or `auto`, which takes a GPU where there is one.
        devices: Processes on each node, one a GPU; `auto` takes all GPUs, or one process without any.
        num_nodes: Machines.
        batch_size: Samples embedded together.
        num_workers: Processes that load samples, for each device; 0 loads them in the same process.
        prefetch: Batches that each of them has ready.
        progress: Show a bar.
    """

    accelerator: str = "auto"
    devices: int | str = 1
    num_nodes: int = 1
    batch_size: int = 256
    num_workers: int = 0
    prefetch: int = 2
    progress: bool = False

    def __post_init__(self) -> None:
        require_choice("accelerator", self.accelerator, ACCELERATORS)
        if isinstance(self.devices, str):
            if self.devices != "auto":
                raise SpliceError(f"{key_of('devices')} is {self.devices!r}, but must be auto, or an integer.")
        else:
            require_integer("devices", self.devices, 1)
            self._require_startable("devices", self.devices)
        require_integer("num_nodes", self.num_nodes, 1)
        require_integer("batch_size", self.batch_size, 1)
        require_integer("num_workers", self.num_workers, 0)
        self._require_startable("num_workers", self.num_workers)
        require_integer("prefetch", self.prefetch, 1)
        require_bool("progress", self.progress)
        if self.accelerator == "gpu" and not torch.cuda.is_available():
            raise SpliceError(f"{key_of('accelerator')} is 'gpu', but there is no CUDA device here: set trainer=cpu.")
        if self.num_nodes > 1 and not launched():
            raise SpliceError(
                f"{key_of('num_nodes')} is {self.num_nodes}, but no launcher has started this process: use torchrun or "
                f"srun, or set {key_of('num_nodes')}=1."
            )

    @staticmethod
    def _require_startable(argument: str, count: int) -> None:
        """Refuse more processes than a machine can bear, before it is brought down by them."""
        cores = os.cpu_count() or 1
        most = max(64, PROCESSES_PER_CORE * cores)
        if count > most:
            raise SpliceError(
                f"{key_of(argument)} is {count}, but must be at most {most} on this machine, which has {cores} cores."
            )

    @property
    def device(self) -> torch.device:
        """Where this process computes what is not computed row by row."""
        on_gpu = self.accelerator == "gpu" or (self.accelerator == "auto" and torch.cuda.is_available())
        return torch.device("cuda" if on_gpu else "cpu")

    @property
    def processes(self) -> int:
        """Processes on this node."""
        if self.devices != "auto":
            return int(self.devices)
        return torch.cuda.device_count() if self.device.type == "cuda" else 1

    @property
    def is_this_process(self) -> bool:
        """Whether all is computed by this process alone, on the CPU, with nothing to be started or moved."""
        return self.processes * self.num_nodes == 1 and self.device.type == "cpu" and not launched()

    def _start_method(self) -> Literal["popen", "spawn", "forkserver"]:
        """Choose how processes start: not at all, each from scratch, or from one that has imported everything once."""
        if launched():
            return "popen"
        if self.device.type == "cuda":  # which this process may use by now, and then nothing may be forked
            return "spawn"
        multiprocessing.set_forkserver_preload(["splice_exp.distributed.lightning_predict"])
        return "forkserver"

    def trainer(self, callbacks: list[Callback]) -> Trainer:
        """Return a Lightning trainer that only predicts."""
        from splice_exp.core.packages.lightning import SLURMEnvironment, lightning, strategies

        logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
        several = self.processes * self.num_nodes > 1
        return lightning.Trainer(
            accelerator="gpu" if self.device.type == "cuda" else "cpu",
            devices=self.processes,
            num_nodes=self.num_nodes,
            strategy=strategies.DDPStrategy(timeout=PATIENCE, start_method=self._start_method()) if several else "auto",
            # Lightning would put a Slurm job back into the queue by itself, with a checkpoint that nobody reads.
            plugins=[SLURMEnvironment(auto_requeue=False)] if SLURMEnvironment.detect() else None,
            callbacks=callbacks,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=self.progress,
            enable_model_summary=False,
            use_distributed_sampler=False,  # batches are assigned by number, see `predict`
        )


def is_main() -> bool:
    """Say whether this process writes what is written once: records, tables, figures."""
    return not launched() or int(os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0"))) == 0


def launched() -> bool:
    """Say whether a launcher has started this process, one of several."""
    if not LAUNCHERS & os.environ.keys():  # of which Lightning looks at more, but takes seconds to import
        return False
    from splice_exp.core.packages.lightning import SLURMEnvironment, TorchElasticEnvironment

    return bool(TorchElasticEnvironment.detect() or SLURMEnvironment.detect())
