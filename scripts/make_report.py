"""Write the pages of all reports, and the index over them with the paper's claims and numbers beside ours.

    python scripts/make_report.py [--results results/local]

Reads tables/*.json under it, which every experiment writes with its table; writes pages/*.html and index.html.
Every experiment does this for its own results, too.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from splice_exp.core.errors import SpliceError
from splice_exp.report.index import write_index
from splice_exp.report.pages import write_page
from splice_exp.report.summary import read_summaries


def main() -> None:
    """Write all pages; exit code 1 if there is nothing to write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("results/local"), help="where tables and figures are")
    arguments = parser.parse_args()
    try:
        reports = read_summaries(arguments.results)
        if not reports:
            raise SpliceError(
                f"--results is {str(arguments.results)!r}, but there are no reports in it (tables/*.json): run an "
                "experiment first."
            )
        for report in reports:
            print(write_page(arguments.results, report))
        print(write_index(arguments.results))
    except SpliceError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
