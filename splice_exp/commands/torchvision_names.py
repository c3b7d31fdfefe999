"""Data sets of torchvision by their names: what they are is imported when one of them is asked for, with torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from splice_exp.data.torchvision_sets import Kind

NAMES = (
    *("cifar10", "cifar100", "stl10", "sun397", "caltech101", "voc2007", "flowers102", "dtd", "fgvc_aircraft"),
    *("pets", "food101", "celeba"),
)


class Kinds(Mapping[str, "Kind"]):
    """Name of a data set → how torchvision knows it."""

    def __getitem__(self, name: str) -> Kind:
        from splice_exp.data.torchvision_sets import KINDS

        return KINDS[name]

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)
