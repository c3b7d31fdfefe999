"""What runs say of heads: the concepts of the signed directions of their vectors, and the images that drive these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from splice_exp.report.records import Row
from splice_exp.report.repeated import Repeated


@dataclass(frozen=True, eq=False)
class Sheet:
    """What a run says of its heads.

    Attributes:
        vectors: Concepts of each signed direction.
        driving: Images of each signed direction, by their numbers.
        images: The images.
        shares: Of kinds of concepts, for each head; None where kinds are not known.
    """

    vectors: pd.DataFrame
    driving: pd.DataFrame
    images: Mapping[int, np.ndarray]
    shares: pd.DataFrame | None


def sheets_of(record: Row) -> list[tuple[str, Sheet]]:
    """Return the heads of a run, each with what the run says; of several seeds those of the first."""
    run = record.records[0] if isinstance(record, Repeated) else record
    pictures = run.table("pictures")
    images = {}
    for _, line in pictures.iterrows():
        shape = (int(line["height"]), int(line["width"]), 3)
        images[int(line["picture"])] = np.array(line["values"], dtype=np.uint8).reshape(shape)
    shares = run.table("heads") if run.has_table("heads") else None
    sheet = Sheet(run.table("vectors"), run.table("driving"), images, shares)
    heads = dict.fromkeys(name.rpartition(".")[0] for name in sheet.driving["vector"])
    return [(head, sheet) for head in heads]
