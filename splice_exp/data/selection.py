"""Some samples of a data set, in any order; one may occur several times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from splice_exp.core.io import digest
from splice_exp.core.runs.code import code_of
from splice_exp.data.base import EncodableSource


class Selection(EncodableSource):
    """Samples by their indices.

    Args:
        data: All samples.
        places: Their indices.
        sample_ids: What they are called here, unique; by default as in `data`.
    """

    def __init__(self, data: EncodableSource, places: Sequence[int], sample_ids: Sequence[str] | None = None) -> None:
        super().__init__(data.name, data.missing_classes)
        self.kind = data.kind
        self._data, self._places = data, tuple(places)
        self.classes, self.aliases = data.classes, data.aliases
        self.labels = None if data.labels is None else data.labels[torch.tensor(self._places, dtype=torch.int64)]
        self.sample_ids = tuple(sample_ids or (data.sample_ids[place] for place in self._places))

    def inputs(self, start: int, stop: int) -> list[Any]:
        return [self._data.inputs(place, place + 1)[0] for place in self._places[start:stop]]

    def regions(self, index: int) -> Mapping[str, np.ndarray] | None:
        return self._data.regions(self._places[index])

    def fingerprint(self) -> str:
        inside = [code_of(self._data), self._data.fingerprint()]
        return f"selection:{digest([*inside, list(self._places), list(self.sample_ids)])}"
