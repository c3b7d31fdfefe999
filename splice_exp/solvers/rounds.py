"""Rounds of compiled work: one product of all rows that are left with the dictionary, then each row on its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

CHUNK = 32  # rows that a thread takes at a time


def multiply(residuals: Float[Tensor, "b d"], atoms: Float[Tensor, "k d"], out: Float[Tensor, "b k"]) -> Tensor:
    """R Dᵀ in full precision, whatever torch is set to: certificates rest on the rounding of float32."""
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        return torch.mm(residuals, atoms.T, out=out)
    finally:
        torch.set_float32_matmul_precision(precision)


def in_rounds(
    work: Callable[..., None],
    make_scratch: Callable[[], Any],
    targets: Float[Tensor, "b d"],
    atoms: Float[Tensor, "k d"],
    max_rounds: int,
) -> Int64[Tensor, " b"]:
    """Multiply and work until every row is done; return the products that each row took part in.

    Args:
        work: Called as work(begin, end, rows, correlations, residuals, done, final, scratch), by several threads. It
            judges `rows[begin:end]` by their `correlations` (m, k), which it may overwrite, and writes for each
            whether it is `done` and otherwise, unless this is the `final` round, its next residual into `residuals`
            (m, d).
        make_scratch: Makes the memory of one thread.
        targets: X, the residuals of the first product.
        atoms: D, in CPU memory.
        max_rounds: Products at most.
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
            correlations = multiply(residuals, atoms, product[: len(rows)])
            residuals, done = torch.empty_like(residuals), np.empty(len(rows), np.bool_)
            num_products[rows] = number
            arguments = (correlations.numpy(), residuals.numpy(), done, number == max_rounds)
            for chunk in [pool.submit(work_on, begin, *arguments) for begin in range(0, len(rows), CHUNK)]:
                chunk.result()
            rows, residuals = rows[~done], residuals[torch.from_numpy(~done)]
            if not len(rows):
                break
    return torch.from_numpy(num_products)
