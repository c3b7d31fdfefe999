"""Every configuration composes, builds, and spells out every argument of what it builds."""

import importlib
import inspect
import os
import pickle
import re
from functools import cache
from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.errors import ConfigCompositionException, MissingConfigException
from omegaconf import OmegaConf

from splice_exp.build import build, refuse_foreign_targets
from splice_exp.cli import ON_PICTURES
from splice_exp.configuration import CONFIG_DIRECTORY, register, resolve
from splice_exp.core.errors import SpliceError
from splice_exp.core.io import atomic, digest
from splice_exp.core.measures import Measures
from splice_exp.run import instantiate_components
from tests.conftest import CACHE

register()
GROUPS = (
    "backbone",
    "data",
    "vocabulary",
    "dictionary",
    "alignment",
    "solver",
    "method",
    "removal",
    "evaluation",
    "stability",
    "report",
    "trainer",
    "logger",
)
PARTS = ("corpus", "reading", "selector", "rule", "tuning")  # of evaluations
COMPONENTS = sorted(path for group in (*GROUPS, *PARTS) for path in (CONFIG_DIRECTORY / group).glob("*.yaml"))
EXPERIMENTS = sorted(path.stem for path in (CONFIG_DIRECTORY / "experiment").glob("*.yaml"))
VARIANTS = sorted(f"dictionary/{path.stem}" for path in (CONFIG_DIRECTORY / "variant" / "dictionary").glob("*.yaml"))


@cache
def _composed(overrides, with_hydra):
    """Compose what no process of this run of the tests has composed before, and keep it where all find it."""
    kept = Path(os.environ[CACHE], "composed", digest([*overrides, str(with_hydra)]))
    if not kept.is_file():
        with atomic(kept) as path:
            path.write_bytes(_compose(overrides, with_hydra))
    return kept.read_bytes()


def _compose(overrides, with_hydra):
    with initialize_config_dir(str(CONFIG_DIRECTORY), version_base="1.3"):
        return pickle.dumps(compose("config", overrides=list(overrides), return_hydra_config=with_hydra))


def composed(*overrides, with_hydra=False):
    """Compose a configuration, with Hydra's own node if asked; the same overrides are composed once."""
    return pickle.loads(_composed(overrides, with_hydra))


def unknown_arguments(node, path=""):
    """Return the keys of a configuration that the target beside them has no argument for."""
    if isinstance(node, list):
        return [key for place, part in enumerate(node) for key in unknown_arguments(part, f"{path}{place}.")]
    if not isinstance(node, dict):
        return []
    found = [key for name, part in node.items() for key in unknown_arguments(part, f"{path}{name}.")]
    if str(node.get("_target_", "")).startswith("splice_exp."):
        module, _, name = node["_target_"].rpartition(".")
        known = {"_target_", *inspect.signature(getattr(importlib.import_module(module), name)).parameters}
        found += [f"{path}{key}" for key in node if key not in known]
    return found


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_argument_is_in_the_file_in_order(path: Path):
    node = yaml.safe_load(path.read_text())
    defaults = node.pop("defaults", [])
    for sibling in [one for one in defaults if isinstance(one, str)]:
        node = {**yaml.safe_load(path.with_name(f"{sibling}.yaml").read_text()), **node}
    nested = [
        next(iter(one)).partition("@")[2] for one in defaults if not isinstance(one, str)
    ]  # those of other groups
    module, _, name = node.pop("_target_").rpartition(".")
    target = getattr(importlib.import_module(module), name)
    parameters = [name for name in inspect.signature(target).parameters if name != "self"]
    assert [*nested, *node] == parameters


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_composes_and_builds(experiment):
    own = [f"data.paths=[{CONFIG_DIRECTORY.parent / 'results' / 'figures'}]"] if experiment in ON_PICTURES else []
    asked = ["evaluation.corpus.texts=[a photo of a star]"] if experiment == "explain" else []
    config = resolve(composed(f"experiment={experiment}", *own, *asked, "logger=none"))
    assert config["name"] == experiment
    assert config["table"].startswith(f"{experiment}_figures_") if own else config["table"] == experiment
    instantiate_components(config)
    assert build(config["report"], "report").title


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_says_what_it_shows_and_how_to_run_it(experiment):
    head = (CONFIG_DIRECTORY / "experiment" / f"{experiment}.yaml").read_text().split("name:")[0]
    assert f"python -m splice_exp experiment={experiment}" in head
    assert "laptop" in head


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_composes_and_builds(variant):
    instantiate_components(resolve(composed(f"variant={variant}", "logger=none")))


def test_every_variant_is_a_row():
    config = composed("experiment=ablation_dictionary", with_hydra=True)
    assert sorted(config.hydra.sweeper.params["variant"].split(",")) == VARIANTS


@pytest.mark.parametrize("group", GROUPS)
def test_every_choice_of_a_group_composes(group):
    for path in (CONFIG_DIRECTORY / group).glob("*.yaml"):
        assert composed(f"{group}={path.stem}")[group]["_target_"].startswith("splice_exp.")


@pytest.mark.parametrize("kind", sorted(path.stem for path in (CONFIG_DIRECTORY / "corpus").glob("*.yaml")))
def test_every_kind_of_corpus_is_a_corpus_and_a_foil(kind):
    evaluation = composed("experiment=explain", f"corpus@evaluation.corpus={kind}", f"corpus@evaluation.foil={kind}")[
        "evaluation"
    ]
    assert all(
        evaluation[role]["_target_"].startswith("splice_exp.evaluation.cocoa.corpora.") for role in ("corpus", "foil")
    )


def test_debugging_is_quick_and_silent():
    config = resolve(composed("debug=fast"))
    assert config["evaluation"]["bootstrap_resamples"] == 50
    assert config["logger"]["_target_"].endswith("NoTracker")


@pytest.mark.parametrize("override", ["seed=abc", "figures=7up", "force=perhaps"])
def test_the_root_is_typed(override):
    with pytest.raises(ConfigCompositionException):
        composed(override)


@pytest.mark.parametrize(("override", "error"), [("solver=lasso", MissingConfigException), ("solver.rh0=1", Exception)])
def test_unknown_choices_and_keys_are_refused(override, error):
    with pytest.raises(error, match=r"lasso|rh0"):
        composed(override)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("solver.l1_penalty=-1", r"solver\.l1_penalty is -1"),
        ("data.seed=-1", r"data\.seed is -1"),
        ("evaluation.seed=-1", r"evaluation\.seed is -1"),
        ("data=planted data.objects=[]", r"data\.objects is empty"),
        ("data.num_samples=0", r"data\.num_samples is 0"),
        ("evaluation.top_k=0", r"evaluation\.top_k is 0"),
        ("alignment.recompose=half", r"alignment\.recompose is 'half'"),
    ],
)
def test_components_word_their_own_errors(override, message):
    with pytest.raises(SpliceError, match=message):
        instantiate_components(resolve(composed(*override.split(), "logger=none")))


def test_a_configuration_cannot_run_foreign_code():
    with pytest.raises(SpliceError, match=r"solver\._target_ is 'os\.system'"):
        refuse_foreign_targets({"_target_": "os.system", "command": "true"}, "solver")
    with pytest.raises(SpliceError, match=r"report\.comparisons\.0\._target_"):
        refuse_foreign_targets({"comparisons": [{"_target_": "builtins.eval"}]}, "report")
    for target in (
        "splice_exp.core.io.os.getcwd",
        "splice_exp.core.io.Path",
        "splice_exp.core.io.digest",
        "splice_exp",
    ):
        with pytest.raises(SpliceError, match=r"must be a class of splice_exp"):
            build({"_target_": target}, "logger")
    config = resolve(composed("logger=none"))
    config["solver"]["_target_"] = "subprocess.run"
    with pytest.raises(SpliceError, match=r"subprocess\.run"):
        instantiate_components(config)


def test_what_must_be_given_is_named():
    with pytest.raises(
        SpliceError, match=r"^backbone\.texts, data\.path must be given: set backbone\.texts=… data\.path=…"
    ):
        resolve(composed("backbone=precomputed", "data=embeddings_file"))


def test_the_resolved_configuration_is_plain():
    config = resolve(composed())
    assert not any(OmegaConf.is_config(value) for value in config.values())
    assert config["trainer"]["accelerator"] == "auto"
    assert "hydra" not in config


def test_the_sweep_of_weights_and_biases_sweeps_keys_there_are():
    sweep_file = yaml.safe_load((Path(__file__).parents[1] / "scripts" / "wandb_sweep.yaml").read_text())
    fixed = [word for word in sweep_file["command"] if "=" in word]
    assert sweep_file["command"][-1] == "${args_no_hyphens}"
    swept = {key: parameter["values"] for key, parameter in sweep_file["parameters"].items()}
    for values in zip(*swept.values(), strict=False):
        given = [f"{key}={value}" for key, value in zip(swept, values, strict=True)]  # as an agent writes them
        instantiate_components(resolve(composed(*fixed, *given)))
    goal = sweep_file["metric"]
    declared = Measures(type(instantiate_components(resolve(composed(*fixed))).evaluation).measures).of(goal["name"])
    assert declared.higher_is_better == (goal["goal"] == "maximize")


def test_texts_of_a_report_follow_words_and_classes():
    chosen = ["evaluation.words=[desert]", "evaluation.classes=[camel,kangaroo]"]
    report = resolve(composed("experiment=paper/spurious_histogram", *chosen))["report"]
    assert report["question"] == "Do the codes of desert differ between the classes camel and kangaroo?"
    assert report["figure"]["x"] == "code of desert"
    assert not re.search("swimwear|wom[ae]n|star|heart", str({**report, "figure": report["figure"] | {"kinds": {}}}))
    drift = resolve(composed("experiment=paper/dataset_drift", "evaluation.words=[red]"))["report"]
    assert "convertible" not in str(drift)
    first = resolve(composed("experiment=spurious_histogram", "evaluation.classes=null"))["report"]["question"]
    assert "between the first two classes" in first


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            ["data.paths=['my dogs/a b.jpg',c.jpg]"],
            "explain 'my dogs/a b.jpg' backbone=vit_b_32_openai 'evaluation.corpus.texts=",
        ),
        (
            ["data.paths=[a.jpg]", "backbone=open_clip", "backbone.model=ViT-L-14", "seed=1", "vocabulary=laion"],
            "explain a.jpg backbone=open_clip backbone.model=ViT-L-14 vocabulary=laion 'evaluation.corpus.texts=",
        ),
    ],
)
def test_the_next_command_is_about_the_same_image_and_backbone(given, expected):
    config = composed("experiment=decompose", *given, with_hydra=True)
    assert f"python -m splice_exp {expected}" in config.report.next
