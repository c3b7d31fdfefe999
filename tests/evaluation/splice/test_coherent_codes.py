"""Coherence of the concepts of images stands beside all that the other evaluation measures."""

import pytest

from splice_exp.evaluation.splice.coherent_codes import CoherentCodes
from splice_exp.evaluation.splice.decomposition import SpliceEvaluation
from splice_exp.heads.coherence import coherence
from tests.evaluation.studies import study_of


def test_coherence_comes_on_top_and_grows_with_its_weight():
    options = {"bootstrap_resamples": 20}
    found = {}
    for solver in ("omp", "comp"):
        study = study_of("data=scenes", "data.num_samples=60", f"solver={solver}", "solver.target_l0=6")
        found[solver] = CoherentCodes(**options).evaluate(study)
        plain = SpliceEvaluation(**options).evaluate(study)
        assert {**found[solver].metrics, **plain.metrics} == pytest.approx(found[solver].metrics, nan_ok=True)
        values = coherence(study.decomposition.codes, study.dictionary.atoms)
        assert found[solver].metrics["codes/coherence"] == pytest.approx(float(values.nanmean()))
    omp, comp = (found[name].metrics for name in ("omp", "comp"))
    assert comp["codes/coherence"] > omp["codes/coherence"] + 0.01
    assert comp["cosine/centred"] < omp["cosine/centred"]
