"""Edit a backbone by what its heads mean: read, select, scale; the old one stays as it is.

planned = plan(reading.read(backbone, dictionary, solver, mean), selector, rule)
other, report = edited(backbone, planned.spectra, planned.factors)

or let heads write what their explanations say instead of their singular vectors (`rewritten`).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from splice_exp.backbones.base import Backbone
from splice_exp.backbones.towers import tower_of
from splice_exp.core.errors import SpliceError
from splice_exp.core.io import digest
from splice_exp.core.tensors import tensor_digest
from splice_exp.heads.edit import EditReport, edit, rewrite
from splice_exp.heads.explain import Explanations
from splice_exp.heads.reading import ReadHeads
from splice_exp.heads.rules import Highest, Rule
from splice_exp.heads.selectors import ByList, Selector
from splice_exp.heads.spectra import Spectra


@dataclass(frozen=True, eq=False)
class Plan:
    """What an edit does, before it is done.

    Attributes:
        spectra: Of the heads.
        explanations: Of both signed directions of all vectors.
        scores: Of the vectors, (L, H, r).
        factors: m, (L, H, r).
    """

    spectra: Spectra
    explanations: Explanations
    scores: Float[Tensor, "L H r"]
    factors: Float[Tensor, "L H r"]


def plan(read: ReadHeads, selector: Selector, rule: Rule) -> Plan:
    """Decide which vectors are edited, and how.

    Args:
        read: The heads, with all their vectors.
        selector: Scores vectors.
        rule: Turns scores into factors.

    Returns:
        A factor for each vector, and what it follows from.

    Raises:
        SpliceError: if a part of the vectors is read only, or not as they are written; or if vectors are named, and a
            share of all of them would be edited.
    """
    read.reading.require_all()
    if isinstance(selector, ByList) and isinstance(rule, Highest):
        raise SpliceError(
            f"The selector names its vectors, but the rule edits a share of {rule.share} of all: set "
            "rule@evaluation.rule=above evaluation.rule.threshold=1, in Python Above(1.0)."
        )
    spectra = read.spectra
    scores = selector.scores(read.explanations, spectra.names)
    shape = spectra.gains.shape
    return Plan(spectra, read.explanations, scores.view(shape), rule.factors(scores).view(shape))


def edited(
    backbone: Backbone, spectra: Spectra, factors: Float[Tensor, "L H r"], constants: str = "edited"
) -> tuple[Backbone, EditReport]:
    """Return a copy of a backbone with edited heads, and what was done.

    Args:
        backbone: Stays as it is.
        spectra: Of its heads.
        factors: m.
        constants: Whether what heads write whatever they read is `edited`, too, or `kept`.
    """
    found = copy.deepcopy(backbone)
    report = edit(tower_of(found, spectra.tower), spectra, factors, constants)
    if report.num_edited:
        what = [spectra.tower, spectra.layers, constants, tensor_digest(factors)]
        found.mark_changed(backbone, spectra.tower, f"heads:{digest(what)}")
    return found, report


def rewritten(
    backbone: Backbone, spectra: Spectra, writes: Float[Tensor, "L H r d"], constants: str = "edited"
) -> Backbone:
    """Return a copy of a backbone whose heads write other directions instead of their singular ones.

    Args:
        backbone: Stays as it is.
        spectra: Of its heads.
        writes: The directions.
        constants: As in `edited`.
    """
    found = copy.deepcopy(backbone)
    rewrite(tower_of(found, spectra.tower), spectra, writes, constants)
    what = [spectra.tower, spectra.layers, constants, tensor_digest(writes)]
    found.mark_changed(backbone, spectra.tower, f"rewritten:{digest(what)}")
    return found
