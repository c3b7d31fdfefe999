"""Studies as a command would make them, small, in memory."""

from pathlib import Path
from tempfile import mkdtemp

from splice_exp.configuration import resolve
from splice_exp.decomposition.study import Study
from splice_exp.distributed.cache import Cache
from splice_exp.run import instantiate_components
from tests.test_configuration import composed

PLANTED = ("backbone=planted", "vocabulary=planted")


def study_of(*overrides, captions=True):
    """Return the study of some overrides; planted data come with their backbone and vocabulary."""
    planted = PLANTED if "data=planted" in overrides else ()
    parts = instantiate_components(resolve(composed(*planted, *overrides, "logger=none")))
    if not captions:
        parts.data.captions = lambda: None
    return Study(parts, Cache(Path(mkdtemp()), parts.trainer))
