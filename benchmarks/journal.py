"""A page of measurements that grows: one section for each run, the newest first, none overwritten by another."""

from __future__ import annotations

import platform
import re
from datetime import date
from pathlib import Path

from splice_exp.core.io import write_text
from splice_exp.core.runs.provenance import environment


def run_heading() -> str:
    """Name this run by day, commit and processor: times mean nothing without them."""
    found = environment(0, "cpu")
    commit = str(found["git_commit"])[:8] + ("+changes" if found["git_diff"] else "")
    return f"{date.today().isoformat()}, {commit}, {_processor()}, {found['num_cpus']} cores"


def write_section(path: Path, title: str, heading: str, body: str) -> None:
    """Write one section of a page; a section of the same heading is replaced, so a run may write as it goes on.

    Args:
        path: Of the page, Markdown.
        title: Of the page.
        heading: Of the section.
        body: Markdown, with headings of the third level at most.
    """
    earlier = path.read_text(encoding="utf-8") if path.is_file() else ""
    _, *parts = re.split(r"^## ", earlier, flags=re.MULTILINE)
    others = [part for part in parts if part.partition("\n")[0] != heading]
    body = body.strip("\n")  # but not the spaces of a first line that is code
    sections = [f"{heading}\n\n{body}\n", *(f"{part.rstrip()}\n" for part in others)]
    write_text(path, f"# {title}\n\n" + "\n".join(f"## {section}" for section in sections))


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
