"""Say how many cells of tables made here equal the committed ones, and show those that do not.

    python scripts/compare_tables.py [TABLE …] [--made results/local] [--committed results]

Without names: all tables that are in both folders.
"""

from __future__ import annotations

import argparse
import re
import sys
from itertools import zip_longest
from pathlib import Path

BETWEEN = re.compile(r"(?<!\\)\|")  # not what stands in a cell
SHOWN = 10  # cells that differ, at most


def cells_of(path: Path) -> list[list[str]]:
    """Return the cells of the tables of a Markdown file, rows that are rulers left out."""
    rows = [line for line in path.read_text(encoding="utf-8").split("\n") if line.startswith("|")]
    return [[cell.strip() for cell in BETWEEN.split(row.strip("|"))] for row in rows if not row.startswith("|:")]


def compare(made: Path, committed: Path) -> tuple[int, int, list[str]]:
    """Return how many cells are equal, of how many, and the others in words."""
    total, different = 0, []
    for number, (ours, theirs) in enumerate(zip_longest(cells_of(made), cells_of(committed), fillvalue=[])):
        for here, there in zip_longest(ours, theirs, fillvalue="nothing"):
            total += 1
            if here != there:
                different.append(f"line {number + 1}: {here} here, {there} committed")
    return total - len(different), total, different


def main() -> None:
    """Compare; exit code 1 only where there is nothing to compare, because processors differ in last digits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", metavar="TABLE")
    parser.add_argument("--made", type=Path, default=Path("results/local"), help="paths.results of the commands")
    parser.add_argument("--committed", type=Path, default=Path("results"))
    arguments = parser.parse_args()
    folders = [folder / "tables" for folder in (arguments.made, arguments.committed)]
    both = set.intersection(*({path.stem for path in folder.glob("*.md")} for folder in folders))
    names = arguments.tables or sorted(both)
    if missing := [name for name in names if name not in both]:
        sys.exit(f"error: {', '.join(missing)} is not in both of {folders[0]} and {folders[1]}.")
    if not names:
        sys.exit(f"error: {folders[0]} and {folders[1]} have no table in common: run an experiment first.")
    for name in names:
        equal, total, different = compare(*(folder / f"{name}.md" for folder in folders))
        print(f"{name}: {equal} of {total} cells equal those of the committed table")
        print(*(f"  {line}" for line in different[:SHOWN]), sep="\n", end="\n" if different else "")


if __name__ == "__main__":
    main()
