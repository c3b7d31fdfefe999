"""Sparse recovery: one objective, one protocol, one file a method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from splice_exp.core.lazy import attach

if TYPE_CHECKING:
    from splice_exp.solvers.active_set import ActiveSet as ActiveSet
    from splice_exp.solvers.admm import ADMM as ADMM
    from splice_exp.solvers.base import Solver as Solver
    from splice_exp.solvers.base import State as State
    from splice_exp.solvers.comp import COMP as COMP
    from splice_exp.solvers.coordinate_descent import CoordinateDescent as CoordinateDescent
    from splice_exp.solvers.fista import FISTA as FISTA
    from splice_exp.solvers.least_squares import LeastSquares as LeastSquares
    from splice_exp.solvers.matching_pursuit import MatchingPursuit as MatchingPursuit
    from splice_exp.solvers.omp import OMP as OMP
    from splice_exp.solvers.path import LassoPath as LassoPath
    from splice_exp.solvers.top_k import TopK as TopK

_HOMES = {
    "ADMM": "admm",
    "ActiveSet": "active_set",
    "COMP": "comp",
    "CoordinateDescent": "coordinate_descent",
    "FISTA": "fista",
    "LassoPath": "path",
    "LeastSquares": "least_squares",
    "MatchingPursuit": "matching_pursuit",
    "OMP": "omp",
    "Solver": "base",
    "State": "base",
    "TopK": "top_k",
}

__getattr__, __dir__ = attach(__name__, _HOMES)
