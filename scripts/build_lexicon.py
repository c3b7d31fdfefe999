"""Moved into the package, so that an installed wheel has it, too."""

import sys

sys.exit("error: scripts/build_lexicon.py is now: python -m splice_exp build-lexicon, with the same arguments.")
