"""Classes that a configuration names are looked for before anything is computed."""

import pytest

from splice_exp.configuration import resolve
from splice_exp.core.errors import SpliceError
from splice_exp.run import run
from tests.test_configuration import composed

SMALL = ["logger=none", "data.num_samples=10", "evaluation.train.num_samples=10"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["experiment=class_concepts", "logger=none", "data.num_samples=10", "+report.figure.classes=[volcano]"],
            r"^report\.figure\.classes has 'volcano', which is no class of scenes",
        ),
        (
            ["experiment=spurious_histogram", "logger=none", "evaluation.classes=[star,volcano]"],
            r"^evaluation\.classes has 'volcano', which is no class of scenes",
        ),
        (
            ["experiment=cocoa_insertion_deletion", *SMALL, "evaluation.classes=[volcano]"],
            r"^evaluation\.classes has 'volcano', which is no class of scenes",
        ),
        (
            ["experiment=cocoa_augmentations", *SMALL, "evaluation.classes=[volcano]"],
            r"^evaluation\.classes has 'volcano', which is no class of scenes",
        ),
    ],
)
def test_a_class_that_the_data_lack_is_refused_first(tmp_path, monkeypatch, overrides, message):
    monkeypatch.setattr("splice_exp.run._compute", lambda *_: pytest.fail("something was computed"))
    with pytest.raises(SpliceError, match=message):
        run(resolve(composed(*overrides, f"paths.cache={tmp_path}")), tmp_path / "run")


def test_a_class_may_be_written_in_any_case(tmp_path, monkeypatch):
    computed = []
    monkeypatch.setattr("splice_exp.run._compute", lambda *_: computed.append(True))
    named = ["experiment=spurious_histogram", "logger=none", "evaluation.classes=[Star,HEART]"]
    run(resolve(composed(*named, f"paths.cache={tmp_path}")), tmp_path / "run")
    assert computed
