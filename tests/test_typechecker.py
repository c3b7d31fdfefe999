"""The run-time type checker of the tests finds what it is there for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import jaxtyping
import pytest
import torch
from beartype.roar import BeartypeCallHintViolation
from jaxtyping import Float, TypeCheckError
from torch import Tensor

from splice_exp.core.errors import require_integer
from splice_exp.solvers.objective import residual
from tests.typechecker import check, checked, has_array

decorate = partial(checked, typechecker=check)


@decorate
def half(number: float) -> int:
    return number / 2 if number > 4 else 1


@decorate
def scaled(rows: Float[Tensor, "n d"], factors: Float[Tensor, " n"]) -> Float[Tensor, "n d"]:
    return rows * factors[:, None]


@decorate
@dataclass
class Named:
    name: str


@decorate
def numbers(last: int) -> Iterator[int]:
    yield from range(last)


def test_arguments_and_returns_are_checked():
    assert half(2) == 1
    with pytest.raises(BeartypeCallHintViolation):
        half("2")
    with pytest.raises(BeartypeCallHintViolation):
        half(6.0)
    with pytest.raises(BeartypeCallHintViolation):
        Named(2)
    assert list(numbers(2)) == [0, 1]
    with pytest.raises(BeartypeCallHintViolation):
        list(numbers("2"))


def test_dimensions_of_one_name_are_equal():
    scaled(torch.zeros(2, 3), torch.zeros(2))
    with pytest.raises(TypeCheckError):
        scaled(torch.zeros(2, 3), torch.zeros(3))
    with pytest.raises(TypeCheckError):
        scaled(torch.zeros(2, 3).long(), torch.zeros(2))


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (int, False),
        (Float[Tensor, "n d"], True),
        (dict[str, Float[Tensor, "n d"] | None], True),
        (Callable[[Float[Tensor, "n d"]], None], True),
        (list[tuple[int, ...]] | None, False),
    ],
)
def test_arrays_are_found_wherever_they_are(annotation, expected):
    assert has_array(annotation) == expected


def test_the_package_is_checked():
    assert jaxtyping.jaxtyped is checked
    with pytest.raises(BeartypeCallHintViolation):
        require_integer(3, 3, 0)
    with pytest.raises(TypeCheckError):
        residual(torch.zeros(2, 3), torch.zeros(4, 5), torch.zeros(2, 4))
