"""Where a component stands in the configuration, so that its errors name keys that exist.

A component knows its arguments, not its place: `num_samples` may be `data.num_samples` or
`evaluation.side.num_samples`. While `build` makes a component, keys are prefixed with its place; afterwards the
component itself carries it. A component made in Python has none, and its errors name the argument.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, TypeVar, cast

_BEING_BUILT: ContextVar[str] = ContextVar("being_built", default="")
_PLACE = "_place_in_configuration"

Component = TypeVar("Component")


@contextmanager
def building(place: str) -> Iterator[None]:
    """Prefix keys with `place` as long as its component is being made."""
    token = _BEING_BUILT.set(place)
    try:
        yield
    finally:
        _BEING_BUILT.reset(token)


def set_place(component: object, place: str | None = None) -> None:
    """Let a component, frozen or not, remember its place; by default that of the component being built around it.

    Args:
        component: That remembers it.
        place: Path in the configuration, like `data.val`.
    """
    object.__setattr__(component, _PLACE, _BEING_BUILT.get() if place is None else place)


def altered(component: Component, **changes: Any) -> Component:
    """Return a copy of a dataclass with other arguments; its errors name the same place.

    Args:
        component: Stays as it is.
        changes: New values of arguments, by name.

    Raises:
        SpliceError: as the component words it, if it refuses them.
    """
    place = getattr(component, _PLACE, "")
    with building(place):
        copy: Component = replace(cast(Any, component), **changes)
    set_place(copy, place)
    return copy


def key_of(argument: str, of: object = None) -> str:
    """Return the configuration key of an argument.

    Args:
        argument: Its name; with dots, an argument of a part.
        of: The component; only its constructor may leave it out.

    Example:
        >>> key_of("share")
        'share'
        >>> with building("evaluation.rule"):
        ...     key_of("share")
        'evaluation.rule.share'
    """
    place = getattr(of, _PLACE, None) or _BEING_BUILT.get()
    return f"{place}.{argument}" if place else argument
