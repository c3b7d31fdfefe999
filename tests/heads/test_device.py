"""Heads of a model on an accelerator are read and edited as on the CPU."""

import pytest
import torch

from splice_exp.backbones.towers import tower_of
from splice_exp.core.types import Dictionary
from splice_exp.heads.adaptation import compare
from splice_exp.heads.edit import edit
from splice_exp.heads.reading import Reading
from splice_exp.solvers.comp import COMP
from tests.conftest import unit_rows
from tests.heads.models import Tiny

DICTIONARY = Dictionary(unit_rows(60, 24, 0), tuple(f"word {row}" for row in range(60)), torch.zeros(24))
MEAN = 0.3 * unit_rows(1, 24, 1)[0]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_heads_on_an_accelerator_are_those_on_the_cpu():
    here, there = Tiny(), Tiny()
    there.module.to("cuda")
    reading = Reading((-2, -1))
    own = reading.read(here, DICTIONARY, COMP(), MEAN)
    other = reading.read(there, DICTIONARY, COMP(), MEAN, device=torch.device("cuda"))
    torch.testing.assert_close(other.spectra.gains, own.spectra.gains)
    torch.testing.assert_close(other.explanations.targets, own.explanations.targets)
    assert other.table().concepts.tolist() == own.table().concepts.tolist()
    factors = torch.rand(own.spectra.gains.shape, dtype=torch.float64)
    for constants in ("edited", "kept"):
        for model, read in ((here, own), (there, other)):
            edit(tower_of(model), read.spectra, factors, constants)
    pixels = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(there.represent(pixels.cuda()).cpu(), here.represent(pixels), atol=1e-4, rtol=1e-4)
    found = compare(tower_of(Tiny()), tower_of(there), (-1,))
    assert found.likeness.device.type == "cpu"
