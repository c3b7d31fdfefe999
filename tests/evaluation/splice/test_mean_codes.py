"""Mean codes of all samples and of a class are the means of the dense codes, the largest first."""

import numpy as np
import pytest

from splice_exp.core.errors import SpliceError
from splice_exp.evaluation.splice.mean_codes import ALL, MeanCodes
from tests.evaluation.studies import study_of


@pytest.fixture(scope="module")
def study():
    return study_of("data=scenes_single", "data.num_samples=120")


def test_means_are_those_of_the_dense_codes(study):
    found = MeanCodes(["Red"], top_k=4, bootstrap_resamples=5).evaluate(study)
    codes = study.decomposition.codes.dense().numpy()
    reds = study.embeddings.labels.numpy() == study.embeddings.classes.index("red")
    table = found.tables["mean_codes"]
    for name, rows in ((ALL, codes), ("red", codes[reds])):
        part = table[table["of"] == name]
        means = rows.mean(axis=0)
        np.testing.assert_allclose(part["code"], np.sort(means)[::-1][:4], rtol=1e-5)
        np.testing.assert_allclose(
            part["code"], [means[study.dictionary.index(one)] for one in part["concept"]], rtol=1e-5
        )
    assert found.metrics["mean_codes/num_samples_red"] == reds.sum()
    assert found.metrics["mean_codes/l0_red"] == pytest.approx((codes[reds] != 0).sum(axis=1).mean())
    assert found.metrics["l0/mean"] == pytest.approx((codes != 0).sum(axis=1).mean())


def test_the_largest_mean_code_of_a_class_names_it(study):
    table = MeanCodes(["red"], bootstrap_resamples=5).evaluate(study).tables["mean_codes"]
    assert "red" in table[table["of"] == "red"]["concept"].iloc[0]


def test_a_class_that_is_not_there_is_refused(study):
    with pytest.raises(SpliceError, match=r"^classes has 'reds', which is no class of scenes.*red"):
        MeanCodes(["reds"]).require(study.data)
