"""Write docs/protocol.md from results/reference/protocol.yaml.

python scripts/write_protocol.py
"""

from __future__ import annotations

from pathlib import Path

from splice_exp.core.io import write_text
from splice_exp.report.protocol import as_markdown, read_protocol

PAGE = Path(__file__).parents[1] / "docs" / "protocol.md"

if __name__ == "__main__":
    write_text(PAGE, as_markdown(read_protocol()))
