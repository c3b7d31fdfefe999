"""Every row of every experiment, the published settings included, composes and builds.

What needs files that are not here has a stand-in: its arguments are compared with its signature instead.
"""

import inspect
import json

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.utils import get_class
from omegaconf import OmegaConf

from splice_exp.build import build
from splice_exp.cli import ON_PICTURES
from splice_exp.configuration import CONFIG_DIRECTORY, resolve
from splice_exp.points import expand
from splice_exp.run import Components
from tests.test_configuration import composed

FOLDER = CONFIG_DIRECTORY / "experiment"
ALL = sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.yaml"))
GIVEN = {name: [f"data.paths=[{CONFIG_DIRECTORY}]"] for name in ON_PICTURES}  # what a user must give
GIVEN["explain"] = [*GIVEN["explain"], "evaluation.corpus.texts=[a photo of a star]"]
STAND_INS = {
    "splice_exp.backbones.": {"_target_": "splice_exp.backbones.planted.PlantedBackbone"},
    "splice_exp.data.": {"_target_": "splice_exp.data.scenes.plain.Scenes", "num_samples": 60},
}
FEW = 60  # scenes are drawn where they are built
HERE = (
    *("splice_exp.backbones.planted.", "splice_exp.data.planted.", "splice_exp.data.scenes."),
    "splice_exp.data.counterfactuals.",
)


def composed_sweep(name):
    """Compose the first point of an experiment, with Hydra's own node."""
    return composed(f"experiment={name}", *GIVEN.get(name, []), with_hydra=True)


def with_stand_ins(node):
    """Replace backbones and data sets that read files, if their arguments are those of the class; draw fewer scenes."""
    if isinstance(node, list):
        return [with_stand_ins(item) for item in node]
    if not isinstance(node, dict):
        return node
    target = node.get("_target_", "")
    for prefix, stand_in in STAND_INS.items():
        if target.startswith(prefix) and not target.startswith(HERE):
            inspect.signature(get_class(target)).bind(**{key: node[key] for key in node if key != "_target_"})
            return stand_in
    few = {"num_samples": min(node["num_samples"], FEW)} if target.startswith("splice_exp.data.") else {}
    return {key: with_stand_ins(value) for key, value in node.items()} | few


def is_group(key):
    """Say whether a swept key chooses a component, and is no plain value."""
    return "." not in key or "@" in key


def rows_of(points):
    """Yield the configuration of every row; only those that choose other components are composed again.

    A seed chooses none, and a plain value is set in a configuration that is composed already, as Hydra would.
    """
    parser = OverridesParser.create()
    bases = {}
    for point in points:
        if point.swept.get("seed") != points[0].swept.get("seed"):
            continue
        chosen = tuple((key, value) for key, value in point.swept.items() if is_group(key))
        if chosen not in bases:
            bases[chosen] = composed(*point.overrides, "logger=none")
        config = bases[chosen]
        for key, value in point.swept.items():
            if not is_group(key):  # of a key that is not there this raises
                OmegaConf.update(config, key, parser.parse_override(f"{key}={value}").value())
        yield resolve(config)


@pytest.mark.parametrize("name", ALL)
def test_every_row_composes_and_builds(name):
    built = set()  # a component that many rows share is built once
    for config in rows_of(expand(composed_sweep(name))):
        config = with_stand_ins(config)
        for part in Components.__dataclass_fields__:
            content = (part, json.dumps(config[part], sort_keys=True))
            if content not in built:
                build(config[part], part, config)
                built.add(content)
    assert build(config["report"], "report").title


def test_an_argument_that_a_class_lacks_is_refused():
    node = {"_target_": "splice_exp.data.mura.Mura", "folder": "x", "colour": "red"}
    with pytest.raises(TypeError):
        with_stand_ins({"val": node})
