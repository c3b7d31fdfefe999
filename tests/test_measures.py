"""Every number of a report has a declaration, and one name stands for one measure in a table."""

import importlib
import inspect
import pkgutil
import subprocess
import sys
from collections import Counter, defaultdict
from unittest.mock import Mock

import pytest
from hydra.utils import get_class
from omegaconf import OmegaConf

import splice_exp.evaluation
from splice_exp.configuration import CONFIG_DIRECTORY
from splice_exp.core.measures import Join, Measure, Measures, Unit, from_json, to_json
from splice_exp.decomposition.study import Study
from splice_exp.evaluation.base import Evaluation, Findings
from splice_exp.evaluation.splice.stability_report import LassoStability
from tests.test_configuration import composed

FOLDER = CONFIG_DIRECTORY / "experiment"
EXPERIMENTS = sorted(str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.glob("**/*.yaml"))


def evaluations():
    """All classes of evaluations."""
    for module in pkgutil.walk_packages(splice_exp.evaluation.__path__, "splice_exp.evaluation."):
        importlib.import_module(module.name)
    found, left = [], [Evaluation]
    while left:
        found += (subclasses := left.pop().__subclasses__())
        left += subclasses
    return [one for one in found if one.__module__.startswith("splice_exp.") and not inspect.isabstract(one)]


def asked_for(report):
    """The metrics that a report names, columns first; of grouped bars some are not there by design."""
    figure = report.get("figure") or {}
    claims = [claim[key] for claim in report["comparisons"] for key in ("metric", "baseline") if key in claim]
    axes = [
        figure[key]
        for key in ("x", "y", "colour")
        if "/" in str(figure.get(key)) and {"panels", "lines"} & figure.keys()
    ]
    drawn = [*(figure.get("panels") or []), *(figure.get("lines") or []), *(figure.get("baselines") or {}).values()]
    return list(report["columns"]), [*claims, *axes, *drawn]


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_metric_of_a_report_is_declared_and_no_two_columns_are_called_alike(experiment):
    config = composed(f"experiment={experiment}", with_hydra=True)
    classes = [get_class(config[part]._target_) for part in ("evaluation", "stability")]
    declared = Measures(tuple(measure for one in classes for measure in one.measures))
    columns, others = asked_for(OmegaConf.to_container(config.report))
    declared.require([*columns, *others])
    headings = Counter(declared.title(metric) for metric in columns)
    assert columns
    assert [heading for heading, count in headings.items() if count > 1] == []


@pytest.mark.parametrize("evaluation", evaluations(), ids=lambda one: one.__name__)
def test_no_two_measures_of_an_evaluation_are_called_alike(evaluation):
    declared = Measures((*evaluation.measures, *LassoStability.measures)).declared  # refuses two of one name
    headings = Counter(measure.title for measure in set(declared))
    assert [heading for heading, count in headings.items() if count > 1] == []


def test_a_measure_has_the_same_unit_wherever_it_is_declared():
    declared = defaultdict(set)
    for evaluation in evaluations():
        for measure in evaluation.measures:
            declared[measure.name].add((measure.unit, measure.join, measure.heading))
    assert len(declared) > 300
    assert {name: found for name, found in declared.items() if len(found) > 1} == {}


def test_measures_of_the_same_kind_have_the_same_unit():
    """What was 97.6 % in one table and 0.976 in another."""
    kinds = {"accuracy": Unit.SHARE, "AUC": Unit.SHARE, "F1": Unit.SHARE, "cosine": Unit.COSINE}
    for evaluation in evaluations():
        for measure in evaluation.measures:
            for word, unit in kinds.items():
                if measure.heading.split(",")[0].split()[-1] == word and "correlation" not in measure.heading:
                    assert measure.unit is unit, measure


def test_an_evaluation_cannot_return_what_it_does_not_declare():
    class Undeclared(Evaluation):
        measures = (Measure("a/b", "b", Unit.NUMBER),)

        def __init__(self, name):
            super().__init__()
            self._name = name

        def evaluate(self, study):
            return Findings({"a/b": 1.0, "a/b_ci_low": 0.0, self._name: 2.0}, ["x"], {})

    study = Mock(spec=Study)
    assert Undeclared("a/b_ci_high").evaluate(study).metrics["a/b"] == 1.0
    with pytest.raises(ValueError, match="'a/c' is not declared: add it to `measures` of the evaluation"):
        Undeclared("a/c").evaluate(study)


def test_declarations_survive_the_record():
    for evaluation in evaluations():
        measures = Measures(evaluation.measures)
        assert from_json(to_json(measures)).declared == tuple(dict.fromkeys(measures.declared))


def test_names_of_the_data_fill_a_declaration_and_exact_names_come_first():
    declared = Measures(
        (
            Measure("recovery/recall_{kind}", "{kind} recall", Unit.SHARE),
            Measure("recovery/recall_main", "main recall", Unit.SHARE),
        )
    )
    assert declared.of("recovery/recall_colour_ci_low").title == "colour recall (%)"
    assert declared.of("recovery/recall_main").heading == "main recall"
    assert declared.find("recovery/precision") is None
    assert [one.name for one in declared.resolved(["recovery/recall_size"]).declared] == ["recovery/recall_size"]


def test_one_name_cannot_mean_two_things():
    with pytest.raises(ValueError, match="'a' is declared twice"):
        Measures((Measure("a", "a", Unit.NUMBER), Measure("a", "a", Unit.SHARE)))


@pytest.mark.parametrize(
    ("value", "shown"), [(3e-9, "≤ 1e-6"), (1e-6, "≤ 1e-6"), (1.1e-6, "≤ 1e-5"), (0.0, "≤ 1e-6"), (0.22, "≤ 1e0")]
)
def test_a_certificate_is_written_as_the_bound_that_holds(value, shown):
    gap = Measure("solver/gap_max", "duality gap", Unit.BOUND, False, Join.LARGEST, floor=1e-6)
    assert gap.write(value) == shown
    assert gap.write_with_interval(value, value / 2, 2 * value) == shown


def test_reports_need_neither_torch_nor_evaluations():
    program = (
        "import sys, splice_exp.report.page, splice_exp.report.pages, splice_exp.report.picture_list\n"
        "print([name for name in sys.modules if name == 'torch' or name.startswith('splice_exp.evaluation')])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
