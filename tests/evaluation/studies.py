"""Studies as a command would make them, small, with one cache for the whole test run: its keys are contents."""

import os
from pathlib import Path

from splice_exp.configuration import resolve
from splice_exp.decomposition.study import Study
from splice_exp.distributed.cache import Cache
from splice_exp.run import instantiate_components
from tests.conftest import CACHE
from tests.test_configuration import composed

PLANTED = ("backbone=planted", "vocabulary=planted")


def study_of(*overrides, captions=True):
    """Return the study of some overrides; planted data come with their backbone and vocabulary."""
    planted = PLANTED if "data=planted" in overrides else ()
    parts = instantiate_components(resolve(composed(*planted, *overrides, "logger=none")))
    if not captions:
        parts.data.captions = lambda: None
    return Study(parts, Cache(Path(os.environ[CACHE]), parts.trainer))
