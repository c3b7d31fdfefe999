"""Compile the kernels now, so that no later command waits for them: `python -m splice_exp.solvers.kernels`.

`make install` does it. Without it the first command that solves compiles them, and keeps them for the others.
"""

import torch

from splice_exp.solvers.active_set import ActiveSet
from splice_exp.solvers.path import LassoPath


def main() -> None:
    """Solve something small with each: kernels are compiled for float32, which embeddings are of."""
    atoms = torch.eye(2)
    for solver in (ActiveSet(l1_penalty=0.5), LassoPath(l1_penalty=0.5)):
        solver.solve(solver.prepare(atoms), atoms)


if __name__ == "__main__":
    main()
