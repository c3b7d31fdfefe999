"""Small explorers, each loaded once; embeddings and codes are in the cache that all tests of a run share."""

import os
from functools import cache

from splice_exp.explorer.model import load
from tests.conftest import CACHE

SCENES = ("data=scenes", "data.num_samples=40")


@cache
def explorer(*overrides):
    return load([*(overrides or SCENES), f"paths.cache={os.environ[CACHE]}"])


def embeddings_of(files):
    """The explorer of a file of embeddings and a bank of texts: no tower, no pixels."""
    words = [f"backbone.texts={files['T']}", f"data.path={files['E']}", f"alignment.image_mean={files['M']}"]
    return load(
        ["backbone=precomputed", "data=embeddings_file", "vocabulary=bank", *words, f"paths.cache={os.environ[CACHE]}"]
    )
