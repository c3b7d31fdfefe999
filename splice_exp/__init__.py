"""splice_exp: CLIP embeddings as sparse nonnegative combinations of concepts, with certificates.

The names below are imported when they are first asked for, so that the command line answers without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.2.0"

_HOMES = {
    "ADMM": "solvers.admm",
    "ActiveSet": "solvers.active_set",
    "FISTA": "solvers.fista",
    "LassoPath": "solvers.path",
    "OMP": "solvers.omp",
    "Alignment": "embeddings.geometry",
    "Cocoa": "attribution.model",
    "Codes": "core.codes",
    "Corpus": "attribution.corpus",
    "Decomposition": "decomposition.splice",
    "Dictionary": "core.types",
    "Embeddings": "core.types",
    "EmbeddingsFile": "data.embeddings_file",
    "PrecomputedBackbone": "backbones.precomputed",
    "Reading": "heads.reading",
    "Sith": "heads.model",
    "Solution": "core.types",
    "Splice": "decomposition.model",
    "SpliceError": "core.errors",
    "decompose": "decomposition.splice",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
