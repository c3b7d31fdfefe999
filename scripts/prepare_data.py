"""Moved into the package, so that an installed wheel has it, too."""

import sys

sys.exit("error: scripts/prepare_data.py is now: python -m splice_exp prepare-data, with the same arguments.")
