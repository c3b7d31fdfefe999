"""Moved into the package, so that an installed wheel has it, too."""

import sys

sys.exit("error: scripts/build_vocabulary.py is now: python -m splice_exp build-vocabulary, with the same arguments.")
