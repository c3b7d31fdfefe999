"""The package as it is installed: what the wheel holds, how fast it answers, and that the command is there."""

import ast
import subprocess
import sys
import tomllib
import zipfile
from collections import Counter
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from splice_exp.__main__ import main
from splice_exp.configuration import CONFIG_DIRECTORY
from splice_exp.report.published import REFERENCES
from tests.light import ask

ROOT = Path(__file__).parents[1]


def python(*arguments, cwd=ROOT):
    return subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, timeout=300)


def test_help_does_not_import_torch(tmp_path):
    answer = ask(tmp_path, "--help")
    assert answer.code == 0, answer.err
    assert "torch" not in answer.modules
    assert "experiment: ablation_centering" in answer.out


def test_a_mistyped_group_does_not_import_torch_and_lists_the_choices(tmp_path):
    answer = ask(tmp_path, "solver=lasso")
    assert answer.code == 1
    assert "torch" not in answer.modules
    assert "admm" in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.slow
def test_the_command_runs_from_any_folder(tmp_path):
    result = python("-m", "splice_exp", "debug=fast", "data.num_samples=33", cwd=tmp_path)  # of fewer all are drawn
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1].startswith("results: results/local/runs/quickstart/")
    assert (tmp_path / "results" / "local" / "tables" / "quickstart.md").is_file()


@pytest.mark.slow
def test_options_of_another_kind_are_one_sentence():
    """In a process of its own, because here the run-time type checker would be first."""
    overrides = {
        "solver.tol=abc": "solver.tol is 'abc', but must be a finite number of at least 0.",
        "solver.nonnegative=no": "solver.nonnegative is 'no', but must be true or false.",
        "solver.max_iterations=1e3": "solver.max_iterations is 1000.0, but must be an integer of at least 1.",
        "solver=path solver.penalties=0.25": "solver.penalties is 0.25, but must be a list of penalties, or null.",
        "trainer.devices=many": "trainer.devices is 'many', but must be auto, or an integer.",
        "alignment.image=off": "alignment.image is 'off', but must be true or false.",
        "alignment.image_mean=null": (
            "alignment.image_mean is None, but must be auto, official, estimate, zero or a file."
        ),
        "vocabulary.exclude=dog": "vocabulary.exclude is 'dog', but must be a list of names, like [red, green].",
        "vocabulary.size=1.5": "vocabulary.size is 1.5, but must be an integer of at least 1.",
        "data=planted data.objects=car": "data.objects is 'car', but must be a list of names, like [red, green].",
        "report.figure=bars": "report.figure is 'bars', but must be a Drawing, chosen by its _target_.",
        "report.comparisons=[higher]": "report.comparisons.0 is 'higher', but must be a Claim, chosen by its _target_.",
        "report.listings=none": "report.listings is 'none', but must be a list, each a Listing.",
    }
    script = f"""
from hydra import compose, initialize_config_dir
import splice_exp
from splice_exp.build import build
from splice_exp.configuration import CONFIG_DIRECTORY, register, resolve
from splice_exp.core.errors import SpliceError
from splice_exp.run import instantiate_components
register()
for override in {list(overrides)}:
    with initialize_config_dir(str(CONFIG_DIRECTORY), version_base="1.3"):
        config = resolve(compose("config", overrides=[*override.split(), "logger=none"]))
    try:
        instantiate_components(config)
        build(config["report"], "report")
        print("nothing was refused")
    except SpliceError as error:
        print(error)
"""
    result = python("-c", script)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == list(overrides.values())


@pytest.mark.slow
def test_the_wheel_holds_configuration_and_assets(tmp_path):
    result = python("-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path))
    assert result.returncode == 0, result.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in CONFIG_DIRECTORY.rglob("*.yaml"):
        assert f"splice_exp/conf/{path.relative_to(CONFIG_DIRECTORY).as_posix()}" in names
    for asset in (CONFIG_DIRECTORY.parent / "splice_exp" / "assets").rglob("*.*"):
        assert asset.relative_to(CONFIG_DIRECTORY.parent).as_posix() in names
    for path in REFERENCES.glob("*.yaml"):
        assert f"splice_exp/reference/{path.name}" in names
    assert "splice_exp/py.typed" in names


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["report.figure=bars"], "error: report.figure is 'bars'"),
        (["evaluation=sith_edit_codes", "evaluation.rule=above"], "error: evaluation.rule is 'above'"),
    ],
)
def test_what_needs_no_component_is_refused_without_torch(tmp_path, overrides, message):
    answer = ask(tmp_path, "experiment=zero_shot", *overrides, f"paths.results={tmp_path}")
    assert answer.code == 1
    assert answer.err.startswith(message)
    assert "torch" not in answer.modules


def test_one_configuration_is_shown_at_a_time(tmp_path):
    answer = ask(tmp_path, "-m", "seed=1,2", "--cfg", "job")
    assert answer.code == 1
    assert answer.err.startswith(
        "error: --cfg shows one configuration, and -m asks for several: leave one of them out."
    )


def test_public_names_cost_nothing_until_they_are_asked_for():
    result = python("-c", "import sys, splice_exp; print('torch' in sys.modules); from splice_exp import ADMM; ADMM()")
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["False"]


def test_the_console_script_is_declared():
    """It begins where signals are listened to, before anything that takes time is imported."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"splice-exp": "splice_exp.__main__:main"}
    assert callable(main)


def test_every_package_that_is_imported_is_declared():
    """Not only there because another package needs it, or because tests do."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [
        project["optional-dependencies"][name] for name in ("data", "explorer", "judge", "siglip", "slurm", "wordnet")
    ]
    declared = {canonicalize_name(Requirement(line).name) for line in chain(project["dependencies"], *extras)}
    homes = packages_distributions()
    for path in (ROOT / "splice_exp").rglob("*.py"):
        for module in imported_by(path) - set(sys.stdlib_module_names) - {"splice_exp"}:
            found = {canonicalize_name(name) for name in homes.get(module, [module])}
            assert found & declared, f"{path.relative_to(ROOT)} imports {module}, of {sorted(found)}"


def imported_by(path):
    """Return the packages that a file imports, wherever in it and whether for types alone."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return {name.partition(".")[0] for name in names}


def test_constraints_are_plain_and_complete():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines)
    needed = {"torch", "torchvision", "hydra-core", "lightning", "wandb", "scikit-learn"}
    assert needed <= pins.keys()
    assert "torch" in pins
    assert not pins["torch"].startswith("2.13")


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text().split()) <= 900


def test_lines_of_the_readme_are_short():
    """But for tables and code, which cannot be wrapped."""
    lines = (ROOT / "README.md").read_text().splitlines()
    assert not [line for line in lines if len(line) > 250 and not line.startswith(("|", "    "))]


def test_no_folder_has_more_files_than_a_newcomer_can_look_through():
    package = ROOT / "splice_exp"
    files = Counter(path.parent for path in package.rglob("*.py"))
    assert {folder.relative_to(package): count for folder, count in files.items() if count > 20} == {}


SLOW = {"torch", "numpy", "scipy", "pandas", "matplotlib", "lightning", "sklearn"}
WEIGHTS = "open_clip_model.safetensors of huggingface.co/laion/"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["experiment=paper/zero_shot"], WEIGHTS),
        (["experiment=paper/cocoa_imagenet"], "backbone.weights is "),
        (
            ["decompose", "README.md", "backbone=vit_b_32_laion2b"],
            "open_clip_model.safetensors of huggingface.co/laion/",
        ),
        (["estimate-mean", "m.safetensors", "backbone=vit_l_14_laion2b"], WEIGHTS),
        (["estimate-mean", "m.safetensors", "data=imagenet"], "data.root is "),
        (["train-classifier", "data=mura", "data.split=train", "--output", "mura.pth"], "data.root is "),
    ],
)
def test_what_is_not_here_is_said_before_anything_slow_is_imported(tmp_path, words, message):
    words = [*words, f"paths.results={tmp_path}/r", f"paths.data={tmp_path}/data"]
    answer = ask(ROOT, *words, HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path))
    assert answer.code == 1, answer.out
    assert answer.err.startswith(f"error: {message}"), answer.err
    assert not answer.modules & SLOW
