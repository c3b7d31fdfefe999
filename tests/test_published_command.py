"""The command that a table publishes is complete: a shell reads it back, and it composes the same science."""

import shlex

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from splice_exp.configuration import CONFIG_DIRECTORY, register
from splice_exp.points import expand
from splice_exp.sweep import shown_command

register()
UNSHOWN = ("paths", "logger", "force", "repair", "shard", "hydra")


def composed_by(words):
    with initialize_config_dir(str(CONFIG_DIRECTORY), version_base="1.3"):
        return compose("config", overrides=words, return_hydra_config=True)


def science(config):
    return {key: value for key, value in OmegaConf.to_container(config, resolve=False).items() if key not in UNSHOWN}


@pytest.fixture
def below(tmp_path, monkeypatch):
    """A working folder with files below it, and one beside it."""
    here = tmp_path / "here"
    for file in (here / "my data" / "t, one.csv", here / "below" / "E.npy", tmp_path / "elsewhere" / "my E.npy"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    monkeypatch.chdir(here)
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ["data=image_table", "data.table='my data/t, one.csv'", "data.classes=['hot dog','it\\'s',\"$x$ & `y`\"]"],
        ["data=embeddings_file", "data.path=below/E.npy", "~evaluation.top_k", "+evaluation.top_k=3"],
        ["data=image_table", "data.table=./below/../my data/t.csv", "+report.figure.note='a \"b\"; rm -rf *'"],
        ["experiment=zero_shot", "data.name='!#'", "report.title='(one) [two] {three} \\\\ | <four>'"],
        ["trust=[disc_lab]", "data.num_samples=7", "solver.l1_penalty=1e-2", "table=mine", "figures=true"],
    ],
)
def test_a_shell_reads_back_what_was_typed(below, words):
    config = composed_by([*words, "paths.results=r", "logger=none", "force=true", "shard.count=2"])
    line = shown_command(config)
    assert "\n" not in line
    python, flag, package, *again = shlex.split(line)
    assert (python, flag, package) == ("python", "-m", "splice_exp")
    assert again == words
    assert science(composed_by(again)) == science(config)


def test_a_file_elsewhere_goes_by_its_name(below):
    config = composed_by(["data=embeddings_file", f"data.path={below}/elsewhere/my E.npy", "data.classes=../x/c.txt"])
    assert shown_command(config) == "python -m splice_exp data=embeddings_file 'data.path=my E.npy' data.classes=c.txt"


def test_a_sweep_that_was_changed_is_complete():
    changed = ["experiment=ablation_nonneg", "hydra.sweeper.params.seed='7,8'", "hydra.mode=MULTIRUN"]
    config = composed_by(changed)
    line = shown_command(config)
    assert line == """python -m splice_exp 'hydra.sweeper.params.seed='"'"'7,8'"'"'' experiment=ablation_nonneg"""
    again = composed_by([*shlex.split(line)[3:], "hydra.mode=MULTIRUN"])
    assert [point.swept for point in expand(again)] == [point.swept for point in expand(config)]
    assert {point.swept["seed"] for point in expand(config)} == {"7", "8"}


def test_another_root_and_folder_of_configurations_are_named(below):
    folder = below / "here" / "my conf"
    folder.mkdir()
    search = f"hydra: {{searchpath: ['file://{CONFIG_DIRECTORY}']}}\n"
    (folder / "mine.yaml").write_text(f"defaults: [config, _self_]\nseed: 7\n{search}")
    with initialize_config_dir(str(folder), version_base="1.3"):
        config = compose("mine", return_hydra_config=True)
    assert config.seed == 7
    assert shown_command(config) == "python -m splice_exp '--config-path=my conf' --config-name=mine"
