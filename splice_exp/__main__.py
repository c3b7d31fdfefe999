"""`python -m splice_exp`."""

from splice_exp.cli import main

main()
