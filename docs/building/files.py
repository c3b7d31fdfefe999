"""Pages that are made when the site is built, in docs/generated."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parents[1]
ROOT = HERE.parent
GENERATED = HERE / "generated"
KEPT = ("tutorials", "sources", "api")  # folders that others write
_written: set[Path] = set()


def write(name: str, text: str) -> None:
    """Write a page, unless it is there as it is: what has not changed is not read again.

    Args:
        name: Its path in docs/generated.
        text: Markdown.
    """
    path = GENERATED / name
    _written.add(path)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def remove_stale() -> None:
    """Remove pages of what no longer exists: tables, groups, modules."""
    for path in GENERATED.rglob("*.md"):
        if path.relative_to(GENERATED).parts[0] not in KEPT and path not in _written:
            path.unlink()
    for path in (GENERATED / "api").glob("*.rst"):
        home = ROOT.joinpath(*path.stem.split("."))
        if not home.is_dir() and not home.with_suffix(".py").is_file():
            path.unlink()


def toctree(pages: list[str], caption: str = "", hidden: bool = True) -> str:
    """Return a table of contents in Markdown.

    Args:
        pages: Paths from the page that has it, without endings, or "title <path>".
        caption: Above them in the navigation.
        hidden: Whether it is in the navigation only.
    """
    head = [f":caption: {caption}"] if caption else []
    return "\n".join(["```{toctree}", ":maxdepth: 1", *head, *([":hidden:"] if hidden else []), "", *pages, "```", ""])


def cell(text: str) -> str:
    """Return a text as it stands in a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")
