"""Labels that archives hold for each sample: words, or integers into a list of names."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from splice_exp.core.errors import SpliceError, shown
from splice_exp.core.keys import key_of
from splice_exp.core.labels import are_integers, if_unlabelled, indices_among
from splice_exp.core.text.lines import read_lines
from splice_exp.data.pictures import by_name

log = logging.getLogger(__name__)


def labels_of(
    cells: Sequence[str], sample_ids: Sequence[str], classes: str | None, first_label: int | None, argument: str
) -> tuple[list[int] | None, list[str]]:
    """Return labels and names of classes; neither where no sample has a label.

    Args:
        cells: Label of each sample as it is written; empty where there is none.
        sample_ids: Names of the samples.
        classes: A text file with one class name per line; None: the sorted words.
        first_label: Label of the first class, where labels are integers and it was said.
        argument: That says where labels are.

    Raises:
        SpliceError: for samples without a label among others, integers without names, and names that are not listed.
    """
    key = key_of(argument)
    lacking = [sample_id for cell, sample_id in zip(cells, sample_ids, strict=True) if not cell]
    if cells and len(lacking) == len(cells):
        log.warning("%s: no sample has a label: the data have none", key)
        return None, []
    if lacking:
        raise SpliceError(
            f"{key}: {len(lacking)} of {len(cells)} samples have no label, among them {shown(lacking)}: set {key} to "
            "null, or take samples that have one."
        )
    if classes is None:
        if are_integers(cells):
            raise SpliceError(
                f"{key}: labels are integers, but there are no class names: give {key_of('classes')}, a text file, one "
                "name a line."
            )
        return by_name(cells)
    names = [line.text for line in read_lines(classes, key_of("classes"))]
    labels = indices_among(names, cells, cells, first_label, f"{key}: labels")
    outside = [row for row, label in enumerate(labels) if not 0 <= label < len(names)]
    if outside:
        others = sorted({cells[row] for row in outside})
        raise SpliceError(
            f"{key_of('classes')}: {classes} has {len(names)} names, but {shown(sample_ids[row] for row in outside)} "
            f"have other labels ({shown(others)}){if_unlabelled(others)}."
        )
    return labels, names
