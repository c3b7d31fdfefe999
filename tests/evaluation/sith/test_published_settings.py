"""Presets of SITH show the published COMP in every row, whatever variant the row takes."""

import pytest

from splice_exp.configuration import CONFIG_DIRECTORY, resolve
from tests.test_configuration import composed

PRESETS = sorted(path.stem for path in (CONFIG_DIRECTORY / "experiment" / "paper").glob("sith_*.yaml"))
WITHOUT_COMP = ("sith/nn_omp", "sith/matching_pursuit", "sith/top_k")


@pytest.mark.parametrize("name", PRESETS)
def test_every_row_of_a_preset_has_the_published_comp(name):
    preset = composed(f"experiment=paper/{name}", with_hydra=True)
    variants = preset.hydra.sweeper.params.get("variant", "none").split(",")
    assert "sith/comp_03" not in variants
    for variant in variants:
        solver = resolve(composed(f"experiment=paper/{name}", f"variant={variant}"))["solver"]
        assert ("fitting" in solver) == (variant not in WITHOUT_COMP)
        assert not solver.get("fitting", False)
