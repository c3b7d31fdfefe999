"""The report of an experiment: its table, its figure and its page, and what a reader needs to trust them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from splice_exp.core.errors import SpliceError, require_names
from splice_exp.core.io import atomic, write_json, write_text
from splice_exp.core.keys import key_of
from splice_exp.core.measures import PLACEHOLDER, Measure, Unit, to_json
from splice_exp.core.plotting import save
from splice_exp.core.runs.run_directory import SAMPLE_FIGURE
from splice_exp.core.runs.temporaries import remove_leftovers
from splice_exp.core.text import markdown
from splice_exp.report import on_terminal
from splice_exp.report.comparisons import Claim
from splice_exp.report.drawings.base import Drawing
from splice_exp.report.index import write_index
from splice_exp.report.legend import legend
from splice_exp.report.listings import Listing
from splice_exp.report.notes import Note, notes_of
from splice_exp.report.pages import write_page
from splice_exp.report.records import Record, Row, declared_by, describe
from splice_exp.report.repeated import over_replicates
from splice_exp.report.summary import PageLink, Summary, claims_of, environment_of, science_of
from splice_exp.report.tables import Cells, lay_out, markdown_table, write_csv
from splice_exp.report.verdicts import verdicts


@dataclass(frozen=True)
class Report:
    """What an experiment shows.

    Args:
        title: Heading.
        question: What the table is about, in a sentence or two.
        columns: Metrics, in order; one with a placeholder, `recovery/recall_{kind}`, stands for all of its kind.
        comparisons: Claims, each with its column of paired differences and its verdict.
        figure: The figure of the table, if any.
        notes: Sentences under the table. One that begins with a heading and a colon is shown where that heading is; one
            with rows, where the table has such a row.
        listings: Small tables under it.
        headline: Measures that the terminal shows; None: those of the claims, or the first columns.
        next: The command that is worth trying after this one; None: nothing is proposed.
    """

    title: str
    question: str
    columns: Sequence[str]
    comparisons: Sequence[Claim] = ()
    figure: Drawing | None = None
    notes: Sequence[str | Note] = ()
    listings: Sequence[Listing] = ()
    headline: Sequence[str] | None = None
    next: str | None = None

    def __post_init__(self) -> None:
        require_names("columns", self.columns)
        require_names("headline", self.headline or ())
        plain = [note for note in self.notes if not isinstance(note, Note)]
        require_names("notes", self.notes if isinstance(self.notes, str) else plain)
        if self.figure is not None:
            _require("figure", self.figure, Drawing)
        _require_list("comparisons", self.comparisons, Claim)
        _require_list("listings", self.listings, Listing)

    def table(self, records: Sequence[Record]) -> str:
        """Return the table as Markdown."""
        return markdown_table(self.lay_out(over_replicates(records)))

    def brief(self, records: Sequence[Record], width: int) -> str:
        """Return the rows with the few measures that the question is about, to be read on a terminal.

        Args:
            records: The runs.
            width: Characters of a line.
        """
        rows = over_replicates(records)
        metrics = self.headline or on_terminal.chosen(self._columns(rows), self._applicable(rows))
        cells = on_terminal.lay_out(rows, metrics)
        return on_terminal.write(cells, len({key for row in rows for key in row.labels}), width)

    def lay_out(self, rows: Sequence[Row]) -> Cells:
        """Return the table as headings and cells."""
        return lay_out(rows, self._columns(rows), self._applicable(rows))

    def _columns(self, rows: Sequence[Row]) -> list[str]:
        """Return the columns, those with a placeholder as all metrics that they stand for and some row has."""
        measured = list(dict.fromkeys(name for row in rows if row.complete for name in row.metrics))
        found = []
        for column in self.columns:
            family = Measure(column, "", Unit.NUMBER)
            found += [name for name in measured if family.named(name)] if PLACEHOLDER.search(column) else [column]
        return found

    def undeclared(self, records: Sequence[Record]) -> list[str]:
        """Return the columns that no run declares, and that the table therefore lacks: names that were mistyped."""
        measures = declared_by(records)
        return [metric for metric in self.columns if measures.find(metric) is None]

    def verdicts(self, records: Sequence[Record]) -> list[tuple[str, str]]:
        """Return the claims with their verdicts."""
        rows = over_replicates(records)
        claims = self._applicable(rows)
        return [(item.claim, str(said)) for item, said in zip(claims, verdicts(claims, rows), strict=True)]

    def more_pages(self, rows: Sequence[Row], results: Path, stem: str) -> list[PageLink]:
        """Write what the page of the report only links to; here nothing.

        Args:
            rows: Of the table.
            results: `paths.results`; pages go to its folder `pages`.
            stem: File name of the report, without suffix.

        Returns:
            A title and a path for each page.
        """
        return []

    def _applicable(self, rows: Sequence[Row]) -> list[Claim]:
        """Leave out claims about rows that a narrowed sweep lacks, and about what these data do not let one measure."""
        found = {name for row in rows if row.complete for name in row.samples}
        measures = declared_by(rows)

        def is_optional(metric: str) -> bool:
            declared = measures.find(metric)
            return declared is not None and declared.optional

        return [
            item
            for item in self.comparisons
            if item.applies(rows) and (item.metric in found or not is_optional(item.metric))
        ]

    def write(self, records: Sequence[Record], results: Path, stem: str, command: str) -> list[Path]:
        """Write table, figure and page under `results`.

        Args:
            records: The runs, all complete; those that differ in their seed only are one row.
            results: `paths.results`.
            stem: File name without suffix.
            command: The command that makes this table.

        Returns:
            All files that were written, the table first.
        """
        rows: list[Row] = over_replicates(records)
        heading = f"{self.title}: {rows[0].environment['data']['name']}"
        for folder in (results, *(results / name for name in ("tables", "figures", "pages"))):
            remove_leftovers(folder)
        table_path = results / "tables" / f"{stem}.md"
        written = [table_path, table_path.with_suffix(".csv")]
        picture, figures = "", []
        if self.figure and (canvas := self.figure.draw(rows, heading)):
            written += save(canvas, results / "figures" / stem)
            picture = f"{markdown.image(heading, f'../figures/{stem}.png')}\n\n"
            figures.append(stem)
        for shown in _samples_of(records):
            written.append(results / "figures" / f"{stem}_samples{shown.suffix}")
            with atomic(written[-1]) as temporary:
                shutil.copyfile(shown, temporary)
            if shown.suffix == ".png":
                picture += f"{markdown.image('samples and their concepts', f'../figures/{written[-1].name}')}\n\n"
                figures.append(f"{stem}_samples")
        cells = self.lay_out(rows)
        headings = [*cells.headings, *(["figure"] if self.figure else [])]
        notes = [*legend(rows, self._columns(rows), self._applicable(rows)), *notes_of(rows, headings, self.notes)]
        judged = [f"Claim: {claim}. Verdict: {verdict}." for claim, verdict in self.verdicts(records)]
        verdicts = "".join(f"- {markdown.escaped(line)}\n" for line in judged)
        listed = [(one.title, one.lay_out(rows)) for one in self.listings if one.applies(rows)]
        listings = "".join(f"## {name}\n\n{markdown_table(found)}\n\n" for name, found in listed)
        text = (
            f"# {markdown.escaped(heading)}\n\n{self.question}\n\n{markdown.code_block(command)}\n\n"
            + "".join(f"- {markdown.escaped(line)}\n" for line in describe(rows))
            + f"\n{self.table(records)}\n\n"
            + (f"{verdicts}\n" if verdicts else "")
            + listings
            + f"{picture}{' '.join(notes)}\n"
        )
        write_text(table_path, text)
        write_csv(table_path.with_suffix(".csv"), rows)
        config = records[0].config
        summary: Summary = {
            "name": stem,
            "experiment": config.get("name", stem),
            "data": rows[0].environment["data"]["kind"],
            "title": heading,
            "question": self.question,
            "command": command,
            "sources": describe(rows),
            "headings": cells.headings,
            "rows": cells.rows,
            "labels": [dict(row.labels) for row in rows],
            "metrics": [dict(row.metrics) for row in rows],
            "measures": to_json(declared_by(rows).resolved(name for row in rows for name in row.metrics)),
            "claims": claims_of(rows, self._applicable(rows)),
            "listings": [{"title": name, "headings": found.headings, "rows": found.rows} for name, found in listed],
            "notes": notes,
            "figures": figures,
            "config": science_of(config),
            "environment": environment_of(records[0]),
        }
        if links := self.more_pages(rows, results, stem):
            summary["pages"] = links
        write_json(table_path.with_suffix(".json"), summary)
        written += [results / "pages" / link["path"] for link in links]
        written += [table_path.with_suffix(".json"), write_page(results, summary), write_index(results)]
        return written


def _samples_of(records: Sequence[Record]) -> list[Path]:
    """Return the figure of samples and their concepts, as files, if the report is of a single run that has one."""
    return sorted(records[0].directory.glob(f"figures/{SAMPLE_FIGURE}.*")) if len(records) == 1 else []


def _require(argument: str, value: object, kind: type) -> None:
    """Refuse what is not a part of a kind, as a word is in place of one."""
    if not isinstance(value, kind):
        raise SpliceError(f"{key_of(argument)} is {value!r}, but must be a {kind.__name__}, chosen by its _target_.")


def _require_list(argument: str, values: object, kind: type) -> None:
    """Refuse what is not a list of parts of a kind."""
    if not isinstance(values, (list, tuple)):
        raise SpliceError(f"{key_of(argument)} is {values!r}, but must be a list, each a {kind.__name__}.")
    for number, value in enumerate(values):
        _require(f"{argument}.{number}", value, kind)
