"""The codes of one image as bars, each with what is known of its truth, and how good the code is."""

from __future__ import annotations

from dataclasses import dataclass

from splice_exp.core.truth import GroundTruth
from splice_exp.decomposition.splice import Decomposition
from splice_exp.explorer.model import Explorer, Seen
from splice_exp.record.pictures import FALSE, MISBOUND, TRUE, UNKNOWN, colour_of

MOST = 20  # bars
VERDICTS = {TRUE: "true", MISBOUND: "binding error", FALSE: "false", UNKNOWN: ""}


@dataclass(frozen=True)
class Bar:
    """One concept of an image.

    Attributes:
        concept: Its name.
        code: How much of it there is.
        colour: By which it is plotted.
        verdict: `true`, `binding error` or `false` of the image; empty where no one knows.
    """

    concept: str
    code: float
    colour: str
    verdict: str


@dataclass(frozen=True)
class Fit:
    """How sparse a code is, and how good.

    Attributes:
        l1_penalty: L.
        l0: Active concepts.
        cosine: Of the image and its reconstruction.
        centred: Of the same without the image mean.
        mean_only: Of the image and the image mean alone, as a baseline.
        duality_gap: How far the objective may be above its minimum.
    """

    l1_penalty: float
    l0: int
    cosine: float
    centred: float
    mean_only: float
    duality_gap: float


def bars_of(found: Decomposition, truth: GroundTruth | None = None, row: int | None = None) -> list[Bar]:
    """Return the largest codes of an image as bars.

    Args:
        found: Of one image.
        truth: Of the data, where it is known.
        row: Which sample the image is; None: an image of which no truth is known.
    """
    known = None if row is None else truth
    colours = [colour_of(concept, row or 0, known) for concept, _ in found.top(MOST)[0]]
    return [
        Bar(concept, value, colour, VERDICTS[colour])
        for (concept, value), colour in zip(found.top(MOST)[0], colours, strict=True)
    ]


def fit_of(model: Explorer, seen: Seen, found: Decomposition) -> Fit:
    """Return how sparse and how good the code of an image is.

    Args:
        model: Whose image mean is the baseline.
        seen: The image.
        found: Its codes, at one penalty.
    """
    cosines = found.cosines(seen.features, model.study.image_mean)
    penalties = found.solution.l1_penalty
    assert penalties is not None
    return Fit(
        float(penalties[0]),
        int(found.codes.l0()[0]),
        float(cosines["plain"][0]),
        float(cosines["centred"][0]),
        float(cosines["mean_only"][0]),
        float(found.solution.duality_gap[0]),
    )
