"""Rounds of compiled work: one product of all rows that are left with the dictionary, then each row on its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from queue import SimpleQueue
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from llvmlite.binding import get_host_cpu_features
from torch import Tensor

CHUNK = 32  # rows that a thread takes at a time
FINE, COARSE = 2.0**-24, 1.01 * 2.0**-8  # unit roundoffs of float32, and of bfloat16 with some room


@contextmanager
def full_precision() -> Iterator[None]:
    """Multiply in full precision, whatever torch is set to: certificates rest on the rounding of float32."""
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(precision)


def multiply(residuals: Float[Tensor, "b d"], atoms: Float[Tensor, "k d"], out: Float[Tensor, "b k"]) -> Tensor:
    """R Dᵀ in full precision."""
    with full_precision():
        return torch.mm(residuals, atoms.T, out=out)


@cache
def has_bfloat16() -> bool:
    """Say whether this processor has instructions for products in bfloat16."""
    features = get_host_cpu_features()
    return any(features.get(name, False) for name in ("avx512bf16", "amx-bf16"))


class CoarseAtoms(NamedTuple):
    """D̃: the atoms rounded to bfloat16, and how far the worst of them has moved, max ‖d_j − d̃_j‖."""

    atoms: Tensor
    error: float


def errors_of(residuals: Float[Tensor, "b d"]) -> Float[Tensor, " b"]:
    """Bound what correlations of unit atoms with each row are off by in float32 (Higham 2002, section 3.1)."""
    return (residuals.shape[1] + 16) * FINE * residuals.double().norm(dim=1)


def multiply_coarsely(
    residuals: Float[Tensor, "b d"], coarse: CoarseAtoms, out: Float[Tensor, "b k"]
) -> Float[Tensor, " b"]:
    """Write R̃ D̃ᵀ, both rounded to bfloat16; return what each row is off by, but for the rounding of the result.

    |⟨d̃, r̃⟩ − ⟨d, r⟩| ≤ ‖r̃ − r‖ + ‖r̃‖ ‖d̃ − d‖ for unit atoms; the sum itself is one of float32. The result is rounded
    to bfloat16 again, which takes `COARSE` of each entry. It takes half of the time of float32, on processors that have
    instructions for it.
    """
    rounded = residuals.bfloat16()
    out.copy_(rounded @ coarse.atoms.T)
    exact = rounded.double()
    length = exact.norm(dim=1)
    gamma = 1.01 * (residuals.shape[1] + 16) * FINE
    return (residuals.double() - exact).norm(dim=1) + length * (coarse.error + gamma)


def in_rounds(
    work: Callable[..., None],
    make_scratch: Callable[[], Any],
    targets: Float[Tensor, "b d"],
    atoms: Float[Tensor, "k d"],
    max_rounds: int,
    coarse: CoarseAtoms | None = None,
) -> Int64[Tensor, " b"]:
    """Multiply and work until every row is done; return the products that each row took part in.

    Args:
        work: Called as work(begin, end, rows, correlations, errors, spread, residuals, done, final, scratch), by
            several threads. It judges `rows[begin:end]` by their `correlations` (m, k), which it may overwrite and
            which are off by at most `errors` (m,) and `spread` of themselves, and writes for each whether it is `done`
            and otherwise, unless this is the `final` round, its next residual into `residuals` (m, d).
        make_scratch: Makes the memory of one thread.
        targets: X, the residuals of the first product.
        atoms: D, in CPU memory.
        max_rounds: Products at most.
        coarse: The atoms to multiply by in the first round, which has all rows; None: the exact ones.
    """
    rows, num_products = np.arange(len(targets)), np.zeros(len(targets), np.int64)
    residuals, product = targets, targets.new_empty(len(targets), len(atoms))
    scratches: SimpleQueue[Any] = SimpleQueue()
    for _ in range(torch.get_num_threads()):
        scratches.put(make_scratch())

    def work_on(begin: int, *arguments: Any) -> None:
        scratch = scratches.get()
        try:
            work(begin, min(begin + CHUNK, len(rows)), rows, *arguments, scratch)
        finally:
            scratches.put(scratch)

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        for number in range(1, max_rounds + 1):
            correlations = product[: len(rows)]
            if coarse is not None and number == 1:
                errors, spread = multiply_coarsely(residuals, coarse, correlations), COARSE
            else:
                multiply(residuals, atoms, correlations)
                errors, spread = errors_of(residuals), 0.0
            residuals, done = torch.empty_like(residuals), np.empty(len(rows), np.bool_)
            num_products[rows] = number
            arguments = (correlations.numpy(), errors.numpy(), spread, residuals.numpy(), done, number == max_rounds)
            for chunk in [pool.submit(work_on, begin, *arguments) for begin in range(0, len(rows), CHUNK)]:
                chunk.result()
            rows, residuals = rows[~done], residuals[torch.from_numpy(~done)]
            if not len(rows):
                break
    return torch.from_numpy(num_products)
