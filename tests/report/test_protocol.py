"""The protocol sheet says of every published setting what the preset is, and its switches are real."""

import re

import pytest
from omegaconf import OmegaConf

from splice_exp.configuration import CONFIG_DIRECTORY
from splice_exp.report.protocol import as_markdown, lines_of, protocol_of, read_protocol
from splice_exp.report.published import PAPER
from tests.test_configuration import composed

ENTRIES = {entry["preset"]: entry for entry in read_protocol()}
PRESETS = sorted(f"paper/{path.stem}" for path in (CONFIG_DIRECTORY / "experiment" / "paper").glob("*.yaml"))


def test_every_preset_has_an_entry_and_no_other():
    assert sorted(ENTRIES) == PRESETS


@pytest.mark.parametrize("preset", PRESETS)
def test_an_entry_is_what_the_preset_composes(preset):
    entry, config = ENTRIES[preset], composed(f"experiment={preset}", with_hydra=True)
    choices = config.hydra.runtime.choices
    swept = OmegaConf.to_container(config.hydra.sweeper).get("params") or {}
    assert entry["data"] == str(swept.get("data", choices.data)).split(",")
    model = config.backbone.get("model")
    assert entry["backbone"] == (f"{model}/{config.backbone.pretrained}" if model else choices.backbone)
    assert entry.get("image_mean", config.alignment.image_mean) == config.alignment.image_mean
    assert entry.get("vocabulary", choices.vocabulary) == choices.vocabulary
    assert entry.get("templates", []) == list(config.backbone.get("class_templates", []))
    assert ",".join(map(str, entry["seeds"])) == str(swept.get("seed", 0))
    for kind, choice in re.findall(r"(solver|removal|method)=([\w,]+)", entry["estimator"]):
        assert choice == str(swept.get(kind, choices[kind]))


SWITCHES = [(name, one["switch"]) for name, entry in ENTRIES.items() for one in entry["deviations"] if "switch" in one]


@pytest.mark.parametrize(("preset", "switch"), SWITCHES)
def test_a_switch_composes_with_its_preset(preset, switch):
    overrides = switch.split()
    other = [one for one in overrides if one.startswith("experiment=")]
    composed(*(other or [f"experiment={preset}"]), *(one for one in overrides if one not in other), with_hydra=True)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_that_deviates_without_a_switch_does_not_say_as_published(preset):
    text = (CONFIG_DIRECTORY / "experiment" / f"{preset}.yaml").read_text().lower()
    if any("switch" not in one for one in ENTRIES[preset]["deviations"]):
        assert "as published" not in text


def test_the_documentation_is_written_from_the_sheet():
    assert (CONFIG_DIRECTORY.parent / "docs" / "protocol.md").read_text() == as_markdown(read_protocol())


def test_a_report_finds_its_entry_by_the_name_of_its_experiment():
    entry = protocol_of(f"{PAPER}readme_cifar10", read_protocol())
    assert entry is not None
    assert ("data", "cifar10") in lines_of(entry)
    assert protocol_of("zero_shot", read_protocol()) is None
