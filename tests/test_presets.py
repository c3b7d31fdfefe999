"""Every preset and every experiment of the paper composes, and builds as far as weights and data that are not here.

Sockets are blocked, and the error says what is lacking and how to get it.
"""

import pytest
import yaml

from splice_exp.build import build
from splice_exp.configuration import CONFIG_DIRECTORY, resolve
from splice_exp.core.errors import SpliceError
from splice_exp.experiments import help_of
from splice_exp.run import instantiate_components
from tests.scripts.test_rehearsal import OWN
from tests.test_configuration import composed

PAPER = sorted(path.stem for path in (CONFIG_DIRECTORY / "experiment" / "paper").glob("*.yaml"))
FILES = {"mura_r18", "simclr_r50", "simsiam_r18"}  # backbones whose weights no hub has
HERE = {
    *FILES,
    "planted",
    "precomputed",
    "scenes_clip",
    "scenes_clip_untrained",
}  # backbones that need nothing, or your own file
WEIGHTS = "laion2b_s34b_b79k"  # of SpLiCE
OTHER_WEIGHTS = {"cocoa_localization": "openai"}  # of COCOA, and of SITH
OTHER_WEIGHTS |= {name: "laion2b_s32b_b82k" for name in PAPER if name.startswith("sith_")}
WORLDS = ("planted", "scenes")


def choices(group):
    return sorted(path.stem for path in (CONFIG_DIRECTORY / group).glob("*.yaml"))


@pytest.mark.parametrize("name", PAPER)
def test_the_help_of_a_preset_has_the_choices_that_hydra_composes(name):
    chosen = composed(f"experiment=paper/{name}", with_hydra=True).hydra.runtime.choices
    said = help_of([f"experiment=paper/{name}", "--help"]).split("\n")
    for group in ("backbone", "data", "vocabulary", "dictionary", "solver"):
        assert any(line.startswith(f"  {group}={chosen[group]}") for line in said), (group, chosen[group])


@pytest.fixture
def nothing_here(tmp_path, monkeypatch):
    """Overrides under which there are no data, and no weights in any cache."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return [f"paths.data={tmp_path}/data", f"paths.downloads={tmp_path}/downloads", "logger=none"]


@pytest.mark.parametrize("name", [name for name in choices("backbone") if name not in HERE])
def test_a_backbone_without_its_weights_names_them_at_once(nothing_here, monkeypatch, name):
    monkeypatch.setattr("splice_exp.backbones.open_clip.find_spec", lambda name: name)  # as if transformers were here
    config = resolve(composed(f"backbone={name}", *nothing_here))
    with pytest.raises(SpliceError, match=r"^\S+ of huggingface\.co/\S+/\S+ was not found locally, .*`hf download"):
        build(config["backbone"], "backbone")


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_backbone_of_a_file_says_where_it_should_be(nothing_here, tmp_path, name):
    config = resolve(composed(f"backbone={name}", *nothing_here))
    with pytest.raises(SpliceError, match=r"backbone\.weights is .*there is no such file") as refused:
        build(config["backbone"], "backbone")
    assert str(tmp_path / "data") in str(refused.value)


@pytest.mark.parametrize("name", [name for name in choices("data") if not name.startswith(WORLDS)])
def test_data_that_are_not_here_say_where_they_should_be(nothing_here, tmp_path, name):
    with pytest.raises(SpliceError) as refused:
        config = resolve(composed(f"data={name}", *nothing_here))
        build(config["data"], "data")
    message = str(refused.value)
    if "must be given" in message:  # your own
        assert name in OWN
    else:
        assert str(tmp_path / "data") in message
        assert "python -m splice_exp prepare-data" in message or "put there by hand" in message
        assert "\n" not in message


@pytest.mark.parametrize("name", PAPER)
def test_an_experiment_of_the_paper_composes_and_needs_its_weights_first(nothing_here, name):
    config = resolve(composed(f"experiment=paper/{name}", *nothing_here))
    assert config["name"] == config["table"] == f"paper_{name}"
    assert config["backbone"].get("pretrained", WEIGHTS) == OTHER_WEIGHTS.get(name, WEIGHTS)
    assert build(config["report"], "report").title
    with pytest.raises(SpliceError, match=r"not found locally|there is no such file"):
        instantiate_components(config)


@pytest.mark.parametrize("name", PAPER)
def test_an_experiment_of_the_paper_says_what_it_needs(name):
    text = (CONFIG_DIRECTORY / "experiment" / "paper" / f"{name}.yaml").read_text()
    assert f"python -m splice_exp experiment=paper/{name}" in text
    assert "Needs the weights" in text
    defaults = yaml.safe_load(text)["defaults"]
    # What it shows is what an experiment on the synthetic benchmark shows: it builds on that one, or shares its report.
    for setting in [one["/published"] for one in defaults if "/published" in one]:
        defaults += yaml.safe_load((CONFIG_DIRECTORY / "published" / f"{setting}.yaml").read_text())["defaults"]
    shared = [one["override /report"] for one in defaults if "override /report" in one]
    base = defaults[0] if isinstance(defaults[0], str) else f"/experiment/{shared[0]}"
    assert (CONFIG_DIRECTORY / f"{base}.yaml".lstrip("/")).is_file()
