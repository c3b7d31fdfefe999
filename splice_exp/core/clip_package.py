"""open_clip without what it imports for few of its models: that is imported when one of them is built.

    from splice_exp.core.clip_package import open_clip

open_clip imports timm (towers of other architectures), and torchvision the compiler of torch (for detection). Neither
is used by the towers of CLIP, and together they are half of the seconds that `import open_clip` takes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

PUT_OFF = ("timm", "timm.layers", "torch._dynamo", "torch._dynamo.utils")


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


with put_off(*PUT_OFF):
    import open_clip
    from open_clip import transformer

__all__ = ["open_clip", "transformer"]
