"""Try all faults, one after the other: python -m tests.faults [WORD …], those whose names hold all words."""

import sys
import tempfile
from pathlib import Path

from tests.faults.table import LostError, all_faults


def main(words: list[str]) -> int:
    """Print one line per fault, and the count; return the exit code."""
    tried, lost = 0, []
    with tempfile.TemporaryDirectory(prefix="faults_") as folder:
        for name, fault in all_faults(Path(folder)):
            if not all(word in name for word in words):
                continue
            tried += 1
            try:
                fault(Path(folder))
            except LostError as reason:
                lost.append(name)
                print(f"LOST      {name}: {reason}", flush=True)
            else:
                print(f"survived  {name}", flush=True)
    print(f"tried {tried}, survived {tried - len(lost)}{': all' if tried and not lost else ''}")
    return 0 if tried and not lost else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
