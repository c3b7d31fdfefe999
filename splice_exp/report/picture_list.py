"""A report with one line per image instead of one per run: its concepts, the largest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from splice_exp.report import on_terminal
from splice_exp.report.page import Report
from splice_exp.report.records import Record, Row, declared_by, short_key
from splice_exp.report.tables import ABSENT, Cells

BRIEF = 3  # measures on a terminal
MOST = 200  # images that are listed


@dataclass(frozen=True)
class PictureList(Report):
    """What images are made of; the metrics are those of each image."""

    def brief(self, records: Sequence[Record], width: int) -> str:
        """Return one entry per image: its concepts, over as many lines as they need, and the first measures."""
        headings, lines = self.lay_out(records)
        keys = len(_keys(records))
        kept = [place for place, _ in enumerate(headings)][: 2 + keys + BRIEF]
        cells = Cells([headings[place] for place in kept], [[line[place] for place in kept] for line in lines])
        return on_terminal.write(cells, len(kept), width, flexible=(0, 1 + keys))

    def lay_out(self, rows: Sequence[Row]) -> Cells:
        """Return one line per image and row of a sweep."""
        measures = declared_by(rows)
        keys = _keys(rows)
        headings = ["image", *map(short_key, keys), "concepts", *[measures.title(metric) for metric in self.columns]]
        lines = []
        for row in rows:
            if not isinstance(row, Record) or not row.complete:
                continue
            named = row.table("concepts").groupby("sample_id", sort=False)
            concepts = {
                sample_id: ", ".join(f"{c} {v:.3f}" for c, v in zip(of_one["concept"], of_one["code"], strict=True))
                for sample_id, of_one in named
            }
            shown = row.samples["sample_id"][:MOST]
            names = Counter(Path(sample_id).name for sample_id in shown)
            for place, sample_id in enumerate(shown):
                measured = [measures.of(metric).write(row.samples[metric][place]) for metric in self.columns]
                name = Path(sample_id).name if names[Path(sample_id).name] == 1 else sample_id  # a/0.png and b/0.png
                swept = [row.labels.get(key, ABSENT) for key in keys]
                lines.append([name, *swept, concepts.get(sample_id, "none"), *measured])
        return Cells(headings, lines)


def _keys(rows: Sequence[Row]) -> list[str]:
    """Return the swept keys by which lines of one image are told apart."""
    return list(dict.fromkeys(key for row in rows for key in row.labels))
