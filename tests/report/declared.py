"""Declarations for small records that tests make."""

from pathlib import Path

from splice_exp.core.io import write_json
from splice_exp.core.measures import Measures, to_json
from splice_exp.evaluation.cocoa.localization import CocoaLocalization
from splice_exp.evaluation.splice.decomposition import SpliceEvaluation
from splice_exp.evaluation.splice.intervention_spurious import InterventionSpurious

EVALUATIONS = (SpliceEvaluation, InterventionSpurious, CocoaLocalization)
MEASURES = Measures(tuple(dict.fromkeys(measure for one in EVALUATIONS for measure in one.measures)))


def declare(directory: Path) -> None:
    """Write what a run writes beside its metrics."""
    write_json(directory / "measures.json", to_json(MEASURES))
