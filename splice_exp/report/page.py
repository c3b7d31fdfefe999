"""The report of an experiment: its table as Markdown and CSV, its figure, and what a reader needs to trust them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from splice_exp.core.io import write_text
from splice_exp.report.comparisons import Comparison
from splice_exp.report.figures import Figure, save
from splice_exp.report.records import Record, describe
from splice_exp.report.tables import markdown_table, write_csv

LEGEND = (
    "Brackets: 95 % percentile bootstrap over samples. Δ: paired over the same samples, same interval. "
    "Null: the same codes judged against the labels of other samples. Dense: CLIP without decomposition. "
    "Mean-only: the cosine of every image with the image mean alone. "
    "Gap and KKT: the worst row, in float64, on the full dictionary."
)


@dataclass(frozen=True)
class Report:
    """What an experiment shows.

    Args:
        title: Heading.
        question: What the table is about, in a sentence or two.
        columns: Metrics, in order.
        comparisons: Claims, each with its column of paired differences and its verdict.
        figure: The picture of the table, if any.
    """

    title: str
    question: str
    columns: Sequence[str]
    comparisons: Sequence[Comparison] = ()
    figure: Figure | None = None

    def table(self, records: Sequence[Record]) -> str:
        """Return the table as Markdown."""
        return markdown_table(records, self.columns, self.comparisons)

    def verdicts(self, records: Sequence[Record]) -> list[str]:
        """Return one line a claim."""
        return [f"Claim: {item.claim}. Verdict: {item.verdict(records)}." for item in self.comparisons]

    def write(self, records: Sequence[Record], results: Path, stem: str, command: str) -> list[Path]:
        """Write table and figure under `results`, and return the files.

        Args:
            records: The rows, all complete.
            results: `paths.results`.
            stem: File name without suffix.
            command: The command that makes this table.
        """
        heading = f"{self.title}: {records[0].environment['data']['name']}"
        table_path = results / "tables" / f"{stem}.md"
        written = [table_path, table_path.with_suffix(".csv")]
        picture = ""
        if self.figure and (canvas := self.figure.draw(records, heading)):
            written += save(canvas, results / "figures" / stem)
            picture = f"![{heading}](../figures/{stem}.png)\n\n"
        verdicts = "".join(f"- {line}\n" for line in self.verdicts(records))
        text = (
            f"# {heading}\n\n{self.question}\n\n    {command}\n\n"
            + "".join(f"- {line}\n" for line in describe(records))
            + f"\n{self.table(records)}\n\n"
            + (f"{verdicts}\n" if verdicts else "")
            + f"{picture}{LEGEND}\n"
        )
        write_text(table_path, text)
        write_csv(table_path.with_suffix(".csv"), records)
        return written
