"""Lightning without the compiler of torch, which is imported once something is compiled or trained.

    from splice_exp.core.packages.lightning import lightning

Lightning asks whether a module is a compiled one, and excepts what it logs from compiling: for these two things it
imports the compiler, which is nine tenths of the seconds that `import lightning` takes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch._compile import _disable_dynamo

from splice_exp.core.packages.later import COMPILER, put_off


@contextmanager
def excepted_later() -> Iterator[None]:
    """Let functions that are excepted from compiling here be so when they are first called, as torch has it itself."""
    compiler: Any = torch.compiler
    at_once = compiler.disable
    compiler.disable = _disable_dynamo
    try:
        yield
    finally:
        compiler.disable = at_once


with put_off(*COMPILER), excepted_later():
    import lightning
    from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
    from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
    from lightning.pytorch import callbacks, loggers, strategies

__all__ = ["SLURMEnvironment", "TorchElasticEnvironment", "callbacks", "lightning", "loggers", "strategies"]
