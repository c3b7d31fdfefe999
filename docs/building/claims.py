"""Claims and verdicts of all committed tables, on one page for each system."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from building.files import ROOT, cell, toctree, write

TABLES = ROOT / "results" / "tables"
CLAIM = re.compile(r"^- Claim: (?P<claim>.*)\. Verdict: (?P<verdict>.*)\.$", re.MULTILINE)
QUESTION = re.compile(r"\A# (?P<title>.*)\n\n(?P<question>.*\?)\n")
SYSTEMS = {"sith_": "SITH", "cocoa_": "COCOA", "concept_maps": "COCOA"}
INTRODUCTION = """# Claim by claim

{counted} claims, and what the committed tables say of each. Read from `results/tables` when this site was built.
✓ holds in all comparisons, ✗ holds in none and is refuted, ○ differs between comparisons or is undecided.
How a verdict comes about: [certificates and intervals](/guides/certificates.md). What was said in words:
[what holds, and what does not](/findings.md).

"""


class Table(NamedTuple):
    """A committed table and its claims.

    Attributes:
        name: Of the file.
        title: Its heading.
        question: What it asks.
        claims: Pairs of a claim and its verdict.
    """

    name: str
    title: str
    question: str
    claims: list[tuple[str, str]]

    @property
    def system(self) -> str:
        """Name whose question it is."""
        return next((system for start, system in SYSTEMS.items() if self.name.startswith(start)), "SpLiCE")

    @property
    def real(self) -> bool:
        """Whether it is about embeddings of photographs."""
        return bool(re.search(r"_(caltech|imagenet|cifar|coco_val)", self.name))


def read(path: Path) -> Table:
    """Read a committed table."""
    text = path.read_text(encoding="utf-8")
    head = QUESTION.search(text)
    title = text.partition("\n")[0].removeprefix("# ")
    return Table(path.stem, title, head["question"] if head else "", CLAIM.findall(text))


def mark(verdict: str) -> str:
    """Return a sign for a verdict: whether it holds everywhere, nowhere, or neither can be said."""
    if re.match(r"holds( in all \d+ comparisons)?( \(|$)", verdict):
        return "✓"
    if re.match(r"does not hold( in all \d+ comparisons)?( \(|$)", verdict):
        return "✗"
    return "○"


def write_claims() -> None:
    """Write the pages."""
    tables = [table for table in map(read, sorted(TABLES.glob("*.md"))) if table.claims]
    counted = sum(len(table.claims) for table in tables)
    parts = [INTRODUCTION.format(counted=counted), "| | claims | ✓ | ○ | ✗ |\n|:--|--:|--:|--:|--:|"]
    pages = []
    for system in ("SpLiCE", "COCOA", "SITH"):
        for real, where in ((True, "photographs"), (False, "the synthetic benchmark")):
            chosen = [table for table in tables if table.system == system and table.real == real]
            if not chosen:
                continue
            page = f"{system.lower()}_{'real' if real else 'synthetic'}"
            pages.append(page)
            marks = [mark(verdict) for table in chosen for _, verdict in table.claims]
            counts = " | ".join(str(marks.count(sign)) for sign in "✓○✗")
            parts.append(f"| [{system} on {where}]({page}.md) | {len(marks)} | {counts} |")
            write(f"claims/{page}.md", f"# {system} on {where}\n\n" + "\n".join(map(_section, chosen)))
    write("claims/index.md", "\n".join(parts) + "\n\n" + toctree(pages))


def _section(table: Table) -> str:
    lines = [f"## {table.title}\n", f"{table.question} [Table](/generated/repo/results/tables/{table.name}.md)\n"]
    lines += ["| | claim | verdict |\n|:-:|:--|:--|"]
    lines += [f"| {mark(verdict)} | {cell(claim)} | {cell(verdict)} |" for claim, verdict in table.claims]
    return "\n".join(lines) + "\n"
