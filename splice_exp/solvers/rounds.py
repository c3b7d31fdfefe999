"""Rounds of compiled work: one product of all rows that are left with the dictionary, then each row on its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from queue import SimpleQueue
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from llvmlite.binding import get_host_cpu_features
from torch import Tensor

CHUNK = 32  # rows that a thread takes at a time
FINE, COARSE = 2.0**-24, 2.0**-9  # unit roundoffs of float32 and of bfloat16


def multiply(residuals: Float[Tensor, "b d"], atoms: Float[Tensor, "k d"], out: Float[Tensor, "b k"]) -> Tensor:
    """R Dᵀ in full precision, whatever torch is set to: certificates rest on the rounding of float32."""
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        return torch.mm(residuals, atoms.T, out=out)
    finally:
        torch.set_float32_matmul_precision(precision)


@cache
def has_bfloat16() -> bool:
    """Say whether this processor has instructions for products in bfloat16."""
    features = get_host_cpu_features()
    return any(features.get(name, False) for name in ("avx512bf16", "amx-bf16"))


def rounding_of(dim: int) -> float:
    """Return γ: a correlation of a unit atom with r is off by at most γ ‖r‖ (Higham 2002, section 3.1)."""
    return (dim + 16) * FINE


def coarse_rounding_of(dim: int) -> float:
    """Return γ of `multiply_coarsely`: both factors and the result are rounded, the sum is that of float32."""
    return 3.02 * COARSE + rounding_of(dim)


def multiply_coarsely(
    residuals: Float[Tensor, "b d"], atoms: Float[Tensor, "k d"], out: Float[Tensor, "b k"]
) -> Float[Tensor, "b k"]:
    """R Dᵀ in bfloat16: in less than half of the time, on processors that have instructions for it."""
    return out.copy_(residuals.bfloat16() @ atoms.bfloat16().T)


def in_rounds(
    work: Callable[..., None],
    make_scratch: Callable[[], Any],
    targets: Float[Tensor, "b d"],
    atoms: Float[Tensor, "k d"],
    max_rounds: int,
    coarse: bool = False,
) -> Int64[Tensor, " b"]:
    """Multiply and work until every row is done; return the products that each row took part in.

    Args:
        work: Called as work(begin, end, rows, correlations, rounding, residuals, done, final, scratch), by several
            threads. It judges `rows[begin:end]` by their `correlations` (m, k), which it may overwrite and which are
            off by at most `rounding` ‖r‖, and writes for each whether it is `done` and otherwise, unless this is the
            `final` round, its next residual into `residuals` (m, d).
        make_scratch: Makes the memory of one thread.
        targets: X, the residuals of the first product.
        atoms: D, in CPU memory.
        max_rounds: Products at most.
        coarse: Multiply in bfloat16 in the first round, which has all rows.
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
            screening = coarse and number == 1
            correlations = (multiply_coarsely if screening else multiply)(residuals, atoms, product[: len(rows)])
            rounding = (coarse_rounding_of if screening else rounding_of)(atoms.shape[1])
            residuals, done = torch.empty_like(residuals), np.empty(len(rows), np.bool_)
            num_products[rows] = number
            arguments = (correlations.numpy(), rounding, residuals.numpy(), done, number == max_rounds)
            for chunk in [pool.submit(work_on, begin, *arguments) for begin in range(0, len(rows), CHUNK)]:
                chunk.result()
            rows, residuals = rows[~done], residuals[torch.from_numpy(~done)]
            if not len(rows):
                break
    return torch.from_numpy(num_products)
