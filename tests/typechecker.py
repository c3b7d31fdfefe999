"""The run-time type checker of the test run: beartype, taking integers for floats as Python does."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
