"""Make the links of a Markdown file absolute: a page of PyPI has no files beside it.

    python scripts/absolute_links.py README.md https://example.org/splice_exp/blob/main

Links into the page itself and those that are absolute already stay; a file that is not there is an error.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)")
SHOWN = (".png", ".svg")  # images: of a page that shows files, the file itself is at raw


def absolute(text: str, base: str, folder: Path) -> str:
    """Return the text with absolute links.

    Args:
        text: Markdown.
        base: Address of the folder that links are relative to.
        folder: The folder itself.

    Raises:
        FileNotFoundError: naming a link that leads nowhere.
    """

    def moved(link: re.Match[str]) -> str:
        if not (folder / link[1]).exists():
            raise FileNotFoundError(f"a link leads to {link[1]}, which is not there")
        address = f"{base.rstrip('/')}/{link[1]}"
        return address.replace("/blob/", "/raw/", 1) if link[1].endswith(SHOWN) else address

    return LINK.sub(moved, text)


def main() -> None:
    """Rewrite the file in place."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("base", help="address of the folder of the file")
    arguments = parser.parse_args()
    try:
        text = absolute(arguments.file.read_text(encoding="utf-8"), arguments.base, arguments.file.parent)
    except FileNotFoundError as error:
        sys.exit(f"error: {error}.")
    arguments.file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
