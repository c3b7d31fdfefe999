"""Every choice of every group of the configuration with all its keys, from conf."""

from __future__ import annotations

import re

import yaml

from building.files import ROOT, cell, toctree, write

CONF = ROOT / "conf"
GROUPS = {  # what is worth a page, and what it says
    "data": "Data sets and layouts",
    "backbone": "Backbones",
    "vocabulary": "Vocabularies",
    "dictionary": "Dictionaries",
    "alignment": "Centring",
    "solver": "Solvers",
    "method": "Methods of attribution",
    "removal": "What replaces removed pixels",
    "corpus": "Corpus and foil",
    "reading": "Readings of heads",
    "selector": "Selectors of singular vectors",
    "rule": "Rules of edits",
    "evaluation": "Questions",
    "trainer": "Where it is computed",
    "logger": "Weights & Biases",
    "paths": "Folders",
}
INTRODUCTION = """# Configuration

Every key, its default and its unit, as the command line takes them: `GROUP=CHOICE` swaps a part, `GROUP.KEY=VALUE` sets
one of its keys. A value `???` must be given.

| group | what it decides |
|:--|:--|
"""


def comment_of(text: str) -> str:
    """Return the comment that a file of the configuration begins with."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# "))
    return " ".join(line for line in lines if not line.startswith("@package"))


def write_configuration() -> None:
    """Write a page for each group, and one that lists them."""
    for group, title in GROUPS.items():
        parts = [f"# {title}: `{group}=`\n"]
        for path in sorted((CONF / group).glob("*.yaml")):
            text = path.read_text(encoding="utf-8")
            target = (yaml.safe_load(text) or {}).get("_target_", "")
            body = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
            parts.append(f"## `{group}={path.stem}`\n\n{comment_of(text)}\n")
            if re.fullmatch(r"splice_exp(\.\w+)+\.[A-Z]\w+", target):
                parts.append(f"Class: {{py:class}}`~{target}`\n")
            parts.append(f"```yaml\n{body}\n```\n" if body.strip() else "")
        write(f"configuration/{group}.md", "\n".join(parts))
    rows = [f"| [{group}]({group}.md) | {title} |" for group, title in GROUPS.items()]
    root = (CONF / "config.yaml").read_text(encoding="utf-8").partition("\nhydra:")[0]
    parts = ["\n".join(rows), "\n## The root\n", f"```yaml\n{root}\n```\n", toctree(list(GROUPS))]
    write("configuration/index.md", INTRODUCTION + "\n".join(parts))


def write_experiments() -> None:
    """Write a page that lists every experiment with its question, its claims and its command."""
    parts = [
        "# All experiments\n",
        "What each asks, what it claims, and what it expects. [Which one answers my question?](/experiments.md)\n",
    ]
    for folder, title in (
        (CONF / "experiment", "At the size of a laptop"),
        (CONF / "experiment/paper", "As published"),
    ):
        parts.append(f"## {title}\n")
        for path in sorted(folder.glob("*.yaml")):
            name = path.relative_to(CONF / "experiment").with_suffix("").as_posix()
            text = path.read_text(encoding="utf-8")
            report = (yaml.safe_load(text) or {}).get("report") or {}
            about = [line.removeprefix("#").strip() for line in text.splitlines()[1:] if line.startswith("#")]
            parts.append(f"### {name}\n")
            if question := report.get("question"):
                parts.append(f"*{cell(question)}*\n")
            prose, command = [], []
            for line in about:
                (command if line.startswith("python ") else prose).append(line)
            parts.append(" ".join(filter(None, prose)).replace("<", "\\<") + "\n")
            parts.append("\n".join(["```shell", *(command or [f"python -m splice_exp experiment={name}"]), "```", ""]))
            if claims := [one["claim"] for one in report.get("comparisons") or () if "claim" in one]:
                parts += ["Claims:\n", *(f"- {cell(claim)}" for claim in claims), ""]
            if (ROOT / "results" / "tables" / f"{name}.md").is_file():
                parts.append(f"[The committed table](/generated/repo/results/tables/{name}.md)\n")
    write("experiments.md", "\n".join(parts))
