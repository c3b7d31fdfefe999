"""Rows whose atoms are known, and every kind of autoencoder, small."""

from functools import cache

import numpy as np
import torch
from torch.nn.functional import normalize

from splice_exp.data.planted import Planted
from splice_exp.dictionaries.learned.archetypal import ArchetypalAutoencoder
from splice_exp.dictionaries.learned.batch_top_k import BatchTopKAutoencoder
from splice_exp.dictionaries.learned.jump_relu import JumpReluAutoencoder
from splice_exp.dictionaries.learned.matching_pursuit import MatchingPursuitAutoencoder
from splice_exp.dictionaries.learned.matryoshka import LevelsAutoencoder, MatryoshkaAutoencoder
from splice_exp.dictionaries.learned.relu import ReluAutoencoder
from splice_exp.dictionaries.learned.top_k import TopKAutoencoder
from tests.conftest import unit_rows

SIZE, DIM, ACTIVE = 20, 16, 2
TRAIN = Planted(4, ["cat"], ["red"], ["snow"])  # of which fits that are given their rows need the name
SHORT = {"train": TRAIN, "size": SIZE, "epochs": 12, "batch_size": 64, "learning_rate": 1e-2}
AUTOENCODERS = {
    "relu": (ReluAutoencoder, {"l1_penalty": 0.1}),
    "top_k": (TopKAutoencoder, {"target_l0": ACTIVE}),
    "batch_top_k": (BatchTopKAutoencoder, {"target_l0": ACTIVE}),
    "jump_relu": (JumpReluAutoencoder, {"target_l0": ACTIVE}),
    "matryoshka": (MatryoshkaAutoencoder, {"target_l0": ACTIVE, "shares": (0.5,)}),
    "levels": (LevelsAutoencoder, {"target_l0": ACTIVE, "levels": (1, 4)}),
    "archetypal": (ArchetypalAutoencoder, {"target_l0": ACTIVE, "num_points": 200, "relaxation": 0.5}),
    "matching_pursuit": (MatchingPursuitAutoencoder, {"target_l0": ACTIVE}),
}


def autoencoder(kind, **changed):
    """Return the builder of a kind."""
    made, options = AUTOENCODERS[kind]
    return made(**{**SHORT, **options, **changed})


@cache
def rows(count=1500):
    """Return true atoms, and rows that are sums of two of them."""
    random, atoms = np.random.default_rng(0), unit_rows(SIZE, DIM, 0)
    codes = torch.zeros(count, SIZE)
    for row in codes:
        row[random.choice(SIZE, ACTIVE, replace=False)] = torch.from_numpy(random.uniform(0.5, 1, ACTIVE)).float()
    return atoms, normalize(codes @ atoms, dim=1)


def recovered(atoms):
    """Return the mean over true atoms of the largest cosine with a learned one."""
    return float((rows()[0] @ normalize(atoms, dim=1).T).amax(dim=1).mean())
