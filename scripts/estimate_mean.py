"""Moved into the package, so that an installed wheel has it, too."""

import sys

sys.exit("error: scripts/estimate_mean.py is now: python -m splice_exp estimate-mean, with the same arguments.")
