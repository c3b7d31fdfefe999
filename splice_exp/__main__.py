"""`python -m splice_exp`."""

from splice_exp.cli import main

if __name__ == "__main__":  # not in the processes that it spawns
    main()
