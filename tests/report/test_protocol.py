"""The protocol sheet says of every published setting what the preset is, and its switches are real."""

import re
from itertools import product

import pytest
import yaml
from omegaconf import OmegaConf

from splice_exp.configuration import CONFIG_DIRECTORY
from splice_exp.report.protocol import as_markdown, changes_of, lines_of, protocol_of, read_protocol
from splice_exp.report.published import PAPER
from tests.test_configuration import composed, unknown_arguments

ENTRIES = {entry["preset"]: entry for entry in read_protocol()}
PRESETS = sorted(f"paper/{path.stem}" for path in (CONFIG_DIRECTORY / "experiment" / "paper").glob("*.yaml"))


def test_every_preset_has_an_entry_and_no_other():
    assert sorted(ENTRIES) == PRESETS


@pytest.mark.parametrize("preset", PRESETS)
def test_an_entry_is_what_the_preset_composes(preset):
    entry, config = ENTRIES[preset], composed(f"experiment={preset}", with_hydra=True)
    choices = config.hydra.runtime.choices
    swept = OmegaConf.to_container(config.hydra.sweeper).get("params") or {}
    rows = [composed(f"experiment={preset}", *row, with_hydra=True) for row in _rows(swept)]
    assert entry["data"] == list(dict.fromkeys(row.hydra.runtime.choices.data for row in rows))
    model = config.backbone.get("model")
    assert entry["backbone"] == (f"{model}/{config.backbone.pretrained}" if model else choices.backbone)
    assert entry.get("image_mean", config.alignment.image_mean) == config.alignment.image_mean
    assert entry.get("vocabulary", choices.vocabulary) == choices.vocabulary
    templates = [one for row in rows for one in row.backbone.get("class_templates", [])]
    assert entry.get("templates", []) == list(dict.fromkeys(templates))
    assert ",".join(map(str, entry["seeds"])) == str(swept.get("seed", 0))
    for kind, choice in re.findall(r"(solver|removal|method)=([\w,]+)", entry["estimator"]):
        assert choice == str(swept.get(kind, choices[kind]))


def _rows(swept):
    """Return overrides of the rows that differ in data or templates: those of the groups that choose them."""
    groups = {key: swept[key].split(",") for key in ("data", "variant") if key in swept}
    return [[f"{key}={value}" for key, value in zip(groups, row, strict=True)] for row in product(*groups.values())]


SAID = re.compile(r"\b(as published|in the published setting)\b")
SWITCHES = [(name, one["switch"]) for name, entry in ENTRIES.items() for one in entry["deviations"] if "switch" in one]


@pytest.mark.parametrize(("preset", "switch"), SWITCHES)
def test_a_switch_composes_with_its_preset(preset, switch):
    overrides = switch.split()
    other = [one for one in overrides if one.startswith("experiment=")]
    config = composed(*(other or [f"experiment={preset}"]), *(one for one in overrides if one not in other))
    assert unknown_arguments(OmegaConf.to_container(config)) == []


def _settings(preset):
    """Return the files that a preset is made of, of published settings: itself and, of its defaults, those like it."""
    path = CONFIG_DIRECTORY / f"{preset}.yaml"
    files = [path]
    for default in yaml.safe_load(path.read_text()).get("defaults", []):
        if isinstance(default, str) and default.startswith("/experiment/paper/"):
            files += _settings(default[1:])
        elif isinstance(default, dict) and "/published" in default:
            files.append(CONFIG_DIRECTORY / "published" / f"{default['/published']}.yaml")
    return files


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_that_deviates_without_a_switch_does_not_say_as_published(preset):
    files = _settings(f"experiment/{preset}")
    if any("switch" not in one for one in ENTRIES[preset]["deviations"]):
        assert [file.name for file in files if SAID.search(_comments(file))] == []


def _comments(file):
    return " ".join(line.partition("#")[2] for line in file.read_text().lower().splitlines() if "#" in line)


def test_what_presets_have_in_common_does_not_say_it_for_all_of_them():
    """README and reports are about presets that deviate and presets that do not."""
    reports = sorted((CONFIG_DIRECTORY / "report").glob("*.yaml"))
    texts = {file.name: _comments(file) for file in reports}
    texts["README.md"] = (CONFIG_DIRECTORY.parent / "README.md").read_text().lower()
    assert [name for name, text in texts.items() if SAID.search(text)] == []


def test_what_is_said_to_be_published_is_looked_at():
    assert {file.name for preset in PRESETS for file in _settings(f"experiment/{preset}")} >= {
        *(file.name for file in (CONFIG_DIRECTORY / "published").glob("*.yaml")),
        "ablation_dictionary.yaml",
    }


def test_the_documentation_is_written_from_the_sheet():
    assert (CONFIG_DIRECTORY.parent / "docs" / "protocol.md").read_text() == as_markdown(read_protocol())


def test_a_report_finds_its_entry_by_the_name_of_its_experiment():
    entry = protocol_of(f"{PAPER}readme_cifar10", read_protocol())
    assert entry is not None
    assert ("data", "cifar10") in lines_of(entry)
    assert protocol_of("zero_shot", read_protocol()) is None


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("experiment=paper/zero_shot data=cifar100 trainer=gpu seed=0", []),
        ("experiment=paper/zero_shot solver.l1_penalty=0.1", []),  # a switch of the sheet
        ("experiment=paper/zero_shot data=dtd", ["data=dtd"]),
        ("experiment=paper/zero_shot data.limit=40 backbone=rn50_openai", ["data.limit=40", "backbone=rn50_openai"]),
        ("experiment=paper/zero_shot alignment.image_mean=zero", ["alignment.image_mean=zero"]),
        ("experiment=paper/zero_shot seed=0,1", ["seed=0,1"]),
    ],
)
def test_what_a_command_changes_of_a_published_setting_is_known(words, changes):
    report = {"name": "paper_zero_shot", "experiment": "paper_zero_shot", "command": f"python -m splice_exp {words}"}
    assert changes_of(report, read_protocol()) == changes


def test_a_table_that_only_has_the_name_of_a_published_setting_is_none():
    report = {"name": "paper_zero_shot", "experiment": "zero_shot", "command": "python -m splice_exp"}
    assert changes_of(report, read_protocol()) == ["experiment=zero_shot"]
    assert changes_of({**report, "name": "zero_shot"}, read_protocol()) == []
