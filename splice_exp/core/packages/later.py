"""Modules that are imported when something of them is used, though another package wants names of them at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

COMPILER = ("torch._dynamo", "torch._dynamo.utils")


@dataclass(frozen=True)
class Later:
    """A function or class that is imported when it is called.

    Args:
        module: Where it is.
        name: What it is called there.
    """

    module: str
    name: str

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Import it, and call it."""
        return getattr(import_module(self.module), self.name)(*arguments, **options)

    def __instancecheck__(self, instance: object) -> bool:
        """Say whether something is an instance of the class, of which there is none until its module is imported."""
        module = sys.modules.get(self.module)
        return module is not None and isinstance(instance, getattr(module, self.name))


class LaterModule(ModuleType):
    """Stands for a module while another one is imported that wants names from it."""

    def __getattr__(self, name: str) -> Later:
        if name.startswith("__"):  # what the import system asks of a module
            raise AttributeError(name)
        return Later(self.__name__, name)


@contextmanager
def put_off(*names: str) -> Iterator[None]:
    """Let whoever imports modules here get functions and classes that import them when they are called.

    Modules that are there already stay; after the block all can be imported as ever.

    Args:
        names: Of modules, with the packages that they are in.
    """
    later = {name: LaterModule(name) for name in names if name not in sys.modules}
    sys.modules.update(later)
    try:
        yield
    finally:
        for name, module in later.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
