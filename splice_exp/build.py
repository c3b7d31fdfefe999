"""From a node of the configuration to the component that it names.

Imported without torch: a component brings what it needs, and a report needs none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from hydra.utils import get_class

from splice_exp.core.errors import SpliceError
from splice_exp.core.keys import building, set_place
from splice_exp.core.runs.trusted import is_of

PACKAGE = "splice_exp"
NOTHING: Mapping[str, Any] = MappingProxyType({})


def refuse_foreign_targets(node: Any, key: str, shared: Mapping[str, Any] = NOTHING, trust: Sequence[str] = ()) -> None:
    """Refuse to instantiate what is not a class of this package or of a trusted one: a configuration runs no code.

    Args:
        node: Plain containers and values, with `_target_` or without.
        key: Where it stands in the configuration, for errors.
        shared: The root, whose components others may contain by interpolation.
        trust: Packages whose classes are allowed, besides this one.

    Raises:
        SpliceError: naming the key and the target.
    """
    if isinstance(node, Mapping):
        target = node.get("_target_")
        if target is not None:
            _require_known(str(target), f"{key}._target_", trust)
    for name, value in _inside(node):
        refuse_foreign_targets(value, _place(key, name, value, shared), shared, trust)


def _require_known(target: str, key: str, trust: Sequence[str]) -> None:
    """Refuse a class of another package, before anything of it is imported."""
    top = target.partition(".")[0]
    if top != PACKAGE and top not in trust:
        advice = f": if you trust the code of {top}, set trust=[{','.join([*trust, top])}]" if "." in target else ""
        raise SpliceError(f"{key} is {target!r}, but must be a class of {PACKAGE}, or of a package in trust{advice}.")
    try:
        home = get_class(target).__module__
    except Exception as error:  # whatever a package raises when it is imported
        if top == PACKAGE:
            raise SpliceError(f"{key} is {target!r}, but must be a class of {PACKAGE}.") from error
        raise SpliceError(f"{key} is {target!r}, which cannot be imported: {error}") from error
    if not is_of(home, [PACKAGE, *trust]):  # as splice_exp.core.io.Path is not
        raise SpliceError(f"{key} is {target!r}, but must be a class of {top} itself; this one is of {home}.")


def _inside(node: Any) -> list[tuple[str, Any]]:
    """Return the entries of a mapping or a list by what they are called in a key."""
    if isinstance(node, Mapping):
        return list(node.items())
    return [(str(index), value) for index, value in enumerate(node)] if isinstance(node, (list, tuple)) else []


def _place(key: str, name: str, value: Any, shared: Mapping[str, Any]) -> str:
    """Return the key of an entry: that of the root where it is one of the root's components, as `${method}` is."""
    return name if isinstance(value, Mapping) and shared.get(name) == value else f"{key}.{name}"


def components_in(node: Any, key: str, shared: Mapping[str, Any] = NOTHING) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every component that a node configures, itself and those inside it, with their keys.

    Args:
        node: Plain containers and values, with `_target_` or without.
        key: Where it stands in the configuration.
        shared: The root, whose components others may contain by interpolation.
    """
    if isinstance(node, Mapping) and node.get("_target_") is not None:
        yield key, node
    for name, value in _inside(node):
        yield from components_in(value, _place(key, name, value, shared), shared)


def build(node: Mapping[str, Any], key: str, shared: Mapping[str, Any] = NOTHING, trust: Sequence[str] = ()) -> Any:
    """Instantiate one node of the configuration, inner components first: each learns where it stands.

    Args:
        node: Plain containers with `_target_`.
        key: Where it stands, for errors.
        shared: The root, whose components others may contain by interpolation.
        trust: Packages whose classes may be instantiated, besides this one.

    Returns:
        The component that `_target_` names.

    Raises:
        SpliceError: as the component itself words it; or if its package is neither this one nor trusted.
    """
    refuse_foreign_targets(node, key, shared, trust)
    return _built(node, key, shared)


def _built(node: Any, key: str, shared: Mapping[str, Any]) -> Any:
    parts = {name: _built(value, _place(key, name, value, shared), shared) for name, value in _inside(node)}
    if isinstance(node, (list, tuple)):
        return list(parts.values())
    if not isinstance(node, Mapping):
        return node
    return parts if "_target_" not in parts else _component(get_class(parts.pop("_target_")), parts, key)


def _component(kind: type, arguments: Mapping[str, Any], key: str) -> Any:
    try:
        with building(key):
            component = kind(**arguments)
    except SpliceError:
        raise
    except Exception as error:  # of whatever a component does with what it is given
        raise SpliceError(f"{key} cannot be built: {error}") from error
    set_place(component, key)
    return component
