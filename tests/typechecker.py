"""The run-time type checker of the test run: beartype, taking integers for floats as Python does.

jaxtyping's import hook decorates every function so that the names of dimensions agree within a call. That binds the
arguments of each call, which costs more than the check itself. Functions whose annotations have no array have no such
names: beartype checks them alone, with the same annotations.
"""

import inspect
from dataclasses import is_dataclass
from functools import partial
from typing import get_args

import jaxtyping
from beartype import BeartypeConf, beartype
from jaxtyping._decorator import _destring_annotation

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
with_shapes = jaxtyping.jaxtyped


def has_array(annotation):
    """Say whether shapes are somewhere in an annotation."""
    if isinstance(annotation, (list, tuple)):  # the arguments of a Callable
        return any(has_array(part) for part in annotation)
    if inspect.isclass(annotation) and issubclass(annotation, jaxtyping.AbstractArray):
        return True
    return any(has_array(part) for part in get_args(annotation))


def checked(kind=None, *, typechecker):
    """Decorate a function or the constructor of a data class."""
    if kind is None:
        return partial(checked, typechecker=typechecker)
    if inspect.isclass(kind):
        if is_dataclass(kind) and "__init__" in vars(kind):
            kind.__init__ = checked(kind.__init__, typechecker=typechecker)
        return kind
    annotations = {name: _destring_annotation(hint, kind.__globals__) for name, hint in kind.__annotations__.items()}
    if any(has_array(annotation) for annotation in annotations.values()):
        return with_shapes(kind, typechecker=typechecker)
    kind.__annotations__ = annotations
    return check(kind)


jaxtyping.jaxtyped = checked  # which the hook calls by this name
