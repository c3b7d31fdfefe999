"""Moved into the package, so that an installed wheel has it, too."""

import sys

sys.exit("error: scripts/train_classifier.py is now: python -m splice_exp train-classifier, with the same arguments.")
