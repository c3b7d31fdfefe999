"""splice_exp: CLIP embeddings as sparse nonnegative combinations of concepts, with certificates.

The names below are imported when they are first asked for, so that the command line answers without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from splice_exp.core.lazy import attach

if TYPE_CHECKING:
    from splice_exp.attribution.corpus import Corpus as Corpus
    from splice_exp.attribution.model import Cocoa as Cocoa
    from splice_exp.backbones.precomputed import PrecomputedBackbone as PrecomputedBackbone
    from splice_exp.core.codes import Codes as Codes
    from splice_exp.core.errors import SpliceError as SpliceError
    from splice_exp.core.types import Dictionary as Dictionary
    from splice_exp.core.types import Embeddings as Embeddings
    from splice_exp.core.types import Solution as Solution
    from splice_exp.data.embeddings_file import EmbeddingsFile as EmbeddingsFile
    from splice_exp.decomposition.model import Splice as Splice
    from splice_exp.decomposition.splice import Decomposition as Decomposition
    from splice_exp.decomposition.splice import decompose as decompose
    from splice_exp.embeddings.geometry import Alignment as Alignment
    from splice_exp.heads.model import Sith as Sith
    from splice_exp.heads.reading import Reading as Reading
    from splice_exp.solvers.active_set import ActiveSet as ActiveSet
    from splice_exp.solvers.admm import ADMM as ADMM
    from splice_exp.solvers.fista import FISTA as FISTA
    from splice_exp.solvers.omp import OMP as OMP
    from splice_exp.solvers.path import LassoPath as LassoPath

__version__ = "0.3.0"

_HOMES = {
    "ADMM": "solvers.admm",
    "ActiveSet": "solvers.active_set",
    "Alignment": "embeddings.geometry",
    "Cocoa": "attribution.model",
    "Codes": "core.codes",
    "Corpus": "attribution.corpus",
    "Decomposition": "decomposition.splice",
    "Dictionary": "core.types",
    "Embeddings": "core.types",
    "EmbeddingsFile": "data.embeddings_file",
    "FISTA": "solvers.fista",
    "LassoPath": "solvers.path",
    "OMP": "solvers.omp",
    "PrecomputedBackbone": "backbones.precomputed",
    "Reading": "heads.reading",
    "Sith": "heads.model",
    "Solution": "core.types",
    "Splice": "decomposition.model",
    "SpliceError": "core.errors",
    "decompose": "decomposition.splice",
}

__all__ = [*_HOMES]
__getattr__, __dir__ = attach(__name__, _HOMES)
