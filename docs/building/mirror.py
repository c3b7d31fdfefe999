"""Files of the repository that pages link to, as pages of the site: tables, notes, and how to contribute.

A page in docs links to them as a reader of the repository needs it, `../results/tables/X.md`; here such links are
turned to the copies, which lie in docs/generated/repo as they lie in the repository.
"""

from __future__ import annotations

import posixpath
import re
import shutil

from building.files import GENERATED, HERE, ROOT, toctree, write

PAGES = (
    "results/tables/*.md",
    "results/notes/*.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "splice_exp/assets/**/README.md",
)
IMAGES = ("results/figures/*.png", "splice_exp/assets/**/*.png")
REPOSITORY = "generated/repo"
LINK = re.compile(r"(\]\()([^)\s#]+)(#[^)\s]*)?(\))")
FENCE = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)
HEAD_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


def mirror() -> None:
    """Copy what pages may link to."""
    for pattern in PAGES:
        for path in sorted(ROOT.glob(pattern)):
            text = HEAD_MATTER.sub("", path.read_text(encoding="utf-8"))
            write(f"repo/{path.relative_to(ROOT).as_posix()}", "---\norphan: true\n---\n\n" + text)
    for pattern in IMAGES:
        for path in sorted(ROOT.glob(pattern)):
            copy = GENERATED / "repo" / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    for folder, title in (("tables", "Tables"), ("notes", "Notes")):
        names = sorted(path.stem for path in (ROOT / "results" / folder).glob("*.md"))
        write(f"repo/results/{folder}/index.md", f"# {title}\n\n{toctree(names, hidden=False)}")


def turned(text: str, page: str) -> str:
    """Turn the links of a page that leave docs, or that come from a copy, to where the site has their targets.

    Args:
        text: Markdown.
        page: Where it is, as Sphinx calls it: a path from docs, without an ending.
    """
    parts = FENCE.split(text)
    parts[::2] = [LINK.sub(lambda found: _turned(found, page), part) for part in parts[::2]]
    return "".join(parts)


def _turned(found: re.Match[str], page: str) -> str:
    target = found[2]
    if ":" in target or target.startswith("/"):
        return found[0]
    copied = page.startswith(f"{REPOSITORY}/")
    home = posixpath.dirname(page.removeprefix(f"{REPOSITORY}/")) if copied else f"docs/{posixpath.dirname(page)}"
    path = posixpath.normpath(posixpath.join(home, target))
    if path == "README.md":
        path = "docs/index.md"
    here = path.removeprefix("docs/") if path.startswith("docs/") else f"{REPOSITORY}/{path}"
    if not (HERE / here).exists():
        return found[0]  # which Sphinx reports
    return f"{found[1]}/{here}{found[3] or ''}{found[4]}"
