"""Say claim by claim what changed between the committed tables of a revision and those that are here.

    python scripts/compare_claims.py BEFORE [--committed results] [--output results/notes/what_changed.md]

BEFORE is a revision of git. A table is compared where both have it and another version made it. Claims are matched by
their words; those that say the same in other words are listed in reworded_claims.csv beside this file.
"""

from __future__ import annotations

import argparse
import csv
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from splice_exp.core.text import markdown

CLAIM = re.compile(r"^- Claim: (?P<claim>.*) Verdict: (?P<verdict>.*)$", re.MULTILINE)
VERSION = re.compile(r"splice_exp (\d+\.\d+\.\d+)")
GONE, NEW = "(not asked any more)", "(not asked before)"
INTRODUCTION = """# What changed, claim by claim

    {command}

Verdicts of committed tables before and now, where a table was made again. Tables of 0.3.0 are of the benchmark in the
regime of real CLIP and of three models; those before are of an easier one and of one model. In brackets: how many
models a verdict is about.
"""


def verdicts_of(text: str) -> dict[str, str]:
    """Return the claims of a table and what they come to, in the order of the table.

    Example:
        >>> verdicts_of("- Claim: it is so. Verdict: holds.")
        {'it is so.': 'holds.'}
    """
    return {found["claim"]: found["verdict"] for found in CLAIM.finditer(text)}


@cache
def reworded() -> dict[str, str]:
    """Return claims that say the same in other words now, each with the full stop that it has in a table."""
    with Path(__file__).with_name("reworded_claims.csv").open(encoding="utf-8", newline="") as file:
        return {f"{row['before']}.": f"{row['now']}." for row in csv.DictReader(file)}


def version_of(text: str) -> str:
    """Return the version in the head of a table, or nothing."""
    found = VERSION.search(text)
    return found[1] if found else ""


def changes(before: str, now: str) -> list[list[str]]:
    """Return a row for each claim of two versions of a table: the claim, its verdict before, and its verdict now."""
    old, new = verdicts_of(before), verdicts_of(now)
    old = {reworded().get(claim, claim): verdict for claim, verdict in old.items()}
    return [[claim, old.get(claim, NEW), new.get(claim, GONE)] for claim in {**new, **old}]


def page(tables: Mapping[str, tuple[str, str]], command: str) -> str:
    """Return the page.

    Args:
        tables: Name → text before, text now; those of the same version are left out.
        command: That makes it.
    """
    parts = [INTRODUCTION.format(command=command)]
    for name, (before, now) in sorted(tables.items()):
        rows = changes(before, now)
        if version_of(before) != version_of(now) and rows:
            head = ["claim", f"before ({version_of(before)})", f"now ({version_of(now)})"]
            parts.append(f"## {name}\n\n{markdown.table(head, rows)}\n")
    return "\n".join(parts)


def main() -> None:
    """Read the command line, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", help="a revision of git")
    parser.add_argument("--committed", type=Path, default=Path("results"), help="folder of tables/*.md")
    parser.add_argument("--output", type=Path, default=Path("results/notes/what_changed.md"), help="page to write")
    arguments = parser.parse_args()
    asked = ["git", "rev-parse", "--verify", "--quiet", f"{arguments.before}^{{commit}}"]
    known = subprocess.run(asked, capture_output=True, check=False)
    if known.returncode:
        sys.exit(f"error: BEFORE is {arguments.before!r}, but must be a revision of the git repository of this folder.")
    tables = {}
    for path in sorted((arguments.committed / "tables").glob("*.md")):
        shown = subprocess.run(
            ["git", "show", f"{arguments.before}:./{path.as_posix()}"], capture_output=True, text=True, check=False
        )
        if shown.returncode == 0:
            tables[path.stem] = (shown.stdout, path.read_text(encoding="utf-8"))
    command = f"python scripts/compare_claims.py {arguments.before}"
    arguments.output.write_text(page(tables, command), encoding="utf-8")


if __name__ == "__main__":
    main()
