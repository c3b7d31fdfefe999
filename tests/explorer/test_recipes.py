"""The command of each view composes, and its Python runs and gives what the view shows."""

import contextlib
import io
import os
import shlex

import pytest

from splice_exp.cli import _spelled_out
from splice_exp.explorer import recipes
from tests.conftest import CACHE
from tests.explorer.models import explorer
from tests.test_configuration import composed


def run(recipe, monkeypatch):
    """Run the Python of a recipe with the explorer that is there; return its names and what it printed."""
    assert f"load(['data=scenes', 'data.num_samples=40', 'paths.cache={os.environ[CACHE]}'])" in recipe.python
    monkeypatch.setattr("splice_exp.explorer.model.load", lambda overrides: explorer())
    names, said = {}, io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(recipe.python, "recipe", "exec"), names)
    return names, said.getvalue()


def composes(recipe):
    words = shlex.split(recipe.command)
    assert words[:3] == ["python", "-m", "splice_exp"]
    return composed(*_spelled_out(words[3:]))


@pytest.fixture
def model():
    return explorer()


def test_of_an_image(model, monkeypatch):
    recipe = recipes.of_image(model, model.sample(2), 0.2)
    names, said = run(recipe, monkeypatch)
    assert names["found"].top(1)[0][0][0] in said
    config = composes(recipe)
    assert config.name == "decompose"
    assert config.solver.l1_penalty == 0.2
    assert config.data.num_samples == 40


def test_of_an_upload(model, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    model.image(2).save(recipes.FILE)
    recipe = recipes.of_image(model, model.photo(recipes.FILE), 0.2)
    names, _ = run(recipe, monkeypatch)
    assert names["found"].sample_ids == (recipes.FILE,)
    config = composes(recipe)
    assert list(config.data.paths) == [recipes.FILE]
    assert "num_samples" not in config.data


@pytest.mark.parametrize("foil", ["", "a photo of a 'house', [big]"])
def test_of_a_map(model, monkeypatch, foil):
    recipe = recipes.of_map(model, model.sample(2), "a photo of a star", foil)
    names, _ = run(recipe, monkeypatch)
    assert names["found"].maps.shape == (1, 84, 84)
    config = composes(recipe)
    assert config.evaluation.corpus.texts == ["a photo of a star"]
    assert ("texts" in config.evaluation.foil) == bool(foil)
    if foil:
        assert config.evaluation.foil.texts == [foil]


def test_of_a_comparison(model, monkeypatch):
    recipe = recipes.of_comparison(model, model.sample(0), model.sample(1), 0.2)
    _, said = run(recipe, monkeypatch)
    assert said.startswith("Comparison(")
    assert composes(recipe).solver.l1_penalty == 0.2


def test_of_a_change(model, monkeypatch):
    recipe = recipes.of_change(model, model.sample(0), 0.2, ["sky"], {"grass": 0.5}, ["grass", "sky"])
    names, said = run(recipe, monkeypatch)
    assert dict(names["found"].after.top(99)[0])["grass"] == 0.5
    assert "'grass'" in said
    assert composes(recipe).name == "zero_shot"


def test_of_a_search(model, monkeypatch):
    recipe = recipes.of_search(model, "sand > .01, not grass")
    names, _ = run(recipe, monkeypatch)
    assert names["rows"]
    assert composes(recipe).name == "decompose"


def test_of_classes(model, monkeypatch):
    recipe = recipes.of_classes(model, "sand", "sand")
    _, said = run(recipe, monkeypatch)
    assert "OfClass(" in said
    config = composes(recipe)
    assert (config.name, config.solver.l1_penalty, config.solver.mean_l0) == ("class_concepts", 0.25, None)


def test_of_a_head_and_of_silence(model, monkeypatch, tmp_path):
    recipe = recipes.of_head(model, 3, 1)
    _, said = run(recipe, monkeypatch)
    assert "L3.H1.0+" in said
    assert composes(recipe).name == "sith_heads"
    monkeypatch.setitem(model.config["paths"], "results", str(tmp_path))
    recipe = recipes.of_silence(model, recipes.Silence("sand"))
    _, said = run(recipe, monkeypatch)
    assert f"local-dir:{tmp_path}" in said
    config = composes(recipe)
    assert config.backbone.model == f"local-dir:{tmp_path}/explorer/without"
