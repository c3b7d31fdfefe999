"""`python -m splice_exp`, which can be stopped from its first moment on."""

from splice_exp.core.text.unread import until_unread
from splice_exp.distributed.preemption import stoppable


def main() -> None:
    """Run the command line, which takes a while to import."""
    with stoppable(), until_unread():
        from splice_exp.cli import main as command

        command()


if __name__ == "__main__":  # not in the processes that it spawns
    main()
