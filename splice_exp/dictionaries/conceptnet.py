"""Names of ConceptNet: the nodes of one language in its file of assertions, by the number of assertions they are in.

An assertion is a line of five columns, parted by tabs: its address, its relation, two nodes, and a JSON object. A node
is an address, /c/en/polar_bear/n/wn/animal: language, name with _ for spaces, perhaps a part of speech and a sense.

References:
    Speer, Chin, Havasi. ConceptNet 5.5: an open multilingual graph of general knowledge. AAAI 2017.
"""

from __future__ import annotations

import gzip
import zlib
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from splice_exp.core.errors import SpliceError

ADDRESS = "https://s3.amazonaws.com/conceptnet/downloads/2019/edges/conceptnet-assertions-5.7.0.csv.gz"
COLUMNS = 5
NO_MEANING = ("/r/ExternalURL",)  # relations whose other end is no concept, and which say nothing of how common one is


def count_nodes(path: Path, language: str = "en") -> tuple[Counter[str], dict[str, Any]]:
    """Count the assertions of each name.

    Args:
        path: `conceptnet-assertions-….csv`, or the same with .gz.
        language: Of the names, a code such as `en`.

    Raises:
        SpliceError: if the file does not exist, cannot be read, or is no file of assertions.
    """
    if not path.is_file():
        raise SpliceError(f"{path} is not there: fetch {ADDRESS}, and give its path.")
    counts: Counter[str] = Counter()
    total, used = 0, 0
    prefix = f"/c/{language}/"
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for total, line in enumerate(lines, start=1):
                _, relation, start, end, _ = _columns(line, path, total)
                names = {_name(node) for node in (start, end) if node.startswith(prefix)}
                if names and relation not in NO_MEANING:
                    used += 1
                    counts.update(names)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise SpliceError(f"{path} cannot be read as assertions of ConceptNet ({error}).") from error
    if not counts:
        raise SpliceError(f"{path} has no assertion about names in {language!r}: give ConceptNet's file of assertions.")
    return counts, {"assertions": total, "of_language": used, "language": language}


def _columns(line: str, path: Path, number: int) -> list[str]:
    columns = line.rstrip("\n").split("\t")
    if len(columns) != COLUMNS or not columns[1].startswith("/r/"):
        raise SpliceError(
            f"{path}, line {number}, is no assertion of ConceptNet: five columns parted by tabs, the second of which "
            "is a relation such as /r/IsA."
        )
    return columns


def _name(node: str) -> str:
    """Return the name of a node as it is written.

    Example:
        >>> _name("/c/en/polar_bear/n/wn/animal")
        'polar bear'
    """
    return unquote(node.split("/")[3]).replace("_", " ").strip().lower()
