"""From a node of the configuration to the component that it names.

Imported without torch: a component brings what it needs, and a report needs none.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from hydra.utils import get_class

from splice_exp.core.errors import SpliceError
from splice_exp.core.keys import building, set_place

PACKAGE = "splice_exp"
NOTHING: Mapping[str, Any] = MappingProxyType({})


def refuse_foreign_targets(node: Any, key: str, shared: Mapping[str, Any] = NOTHING) -> None:
    """Refuse to instantiate what is not a class of this package: a configuration names parts, it does not run code.

    Raises:
        SpliceError: naming the key and the target.
    """
    if isinstance(node, Mapping):
        target = node.get("_target_")
        if target is not None and not _is_ours(str(target)):
            raise SpliceError(f"{key}._target_ is {target!r}, but must be a class of {PACKAGE}.")
    for name, value in _inside(node):
        refuse_foreign_targets(value, _place(key, name, value, shared), shared)


def _is_ours(target: str) -> bool:
    if not target.startswith(f"{PACKAGE}."):  # before anything is imported
        return False
    try:
        return get_class(target).__module__.startswith(f"{PACKAGE}.")
    except (ValueError, ImportError, AttributeError):
        return False


def _inside(node: Any) -> list[tuple[str, Any]]:
    """Return the entries of a mapping or a list by what they are called in a key."""
    if isinstance(node, Mapping):
        return list(node.items())
    return [(str(index), value) for index, value in enumerate(node)] if isinstance(node, (list, tuple)) else []


def _place(key: str, name: str, value: Any, shared: Mapping[str, Any]) -> str:
    """Return the key of an entry: that of the root where it is one of the root's components, as `${method}` is."""
    return name if isinstance(value, Mapping) and shared.get(name) == value else f"{key}.{name}"


def build(node: Mapping[str, Any], key: str, shared: Mapping[str, Any] = NOTHING) -> Any:
    """Instantiate one node of the configuration, inner components first: each learns where it stands.

    Args:
        node: Plain containers with `_target_`.
        key: Where it stands, for errors.
        shared: The root, whose components others may contain by interpolation.

    Raises:
        SpliceError: as the component itself words it; or if it is not of this package.
    """
    refuse_foreign_targets(node, key, shared)
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
