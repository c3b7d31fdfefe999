"""A report as data: what its table, its page and the list of claims are made of."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NotRequired, TypedDict, cast

from splice_exp.core.errors import SpliceError, shown
from splice_exp.core.io import read_json
from splice_exp.core.runs.provenance import SCIENCE
from splice_exp.core.text.places import without_places
from splice_exp.report.comparisons import Claim
from splice_exp.report.records import Record, Row, declared_by, short_key
from splice_exp.report.tables import ABSENT, difference_cell
from splice_exp.report.verdicts import verdicts

log = logging.getLogger(__name__)


class ClaimSummary(TypedDict):
    """A claim, and what the rows say of it.

    Attributes:
        claim: The sentence.
        metric: Name of its measure.
        heading: Of the measure, in tables.
        against: What it is compared with, in words.
        expected: `higher`, `lower` or `near`.
        verdict: In words, over all comparisons.
        differences: Of each row, with interval; a dash where there is none.
    """

    claim: str
    metric: str
    heading: str
    against: str
    expected: str
    verdict: str
    differences: list[str]


class ListingSummary(TypedDict):
    """A small table under the main one.

    Attributes:
        title: Above it.
        headings: One for each column.
        rows: Cells in words.
    """

    title: str
    headings: list[str]
    rows: list[list[str]]


class PageLink(TypedDict):
    """Another page of a report.

    Attributes:
        title: Of the page.
        path: From the folder of the pages.
    """

    title: str
    path: str  # from the folder of the pages


class Summary(TypedDict):
    """All that a page shows; plain values.

    Attributes:
        name: File name of the report, without suffix.
        experiment: By its name, whatever the table is called.
        data: Kind of the data.
        title: Of the report.
        question: That it answers.
        command: That makes the table.
        sources: What it was computed from, in a few lines.
        headings: Of the table.
        rows: Its cells, in words.
        labels: What distinguishes each row: key → value.
        metrics: All measures of each row, unrounded.
        measures: Declarations of the metrics.
        claims: With their verdicts.
        listings: Small tables under the main one.
        notes: That explain the headings.
        figures: File names, without suffix.
        pages: Others of the same report.
        config: Of the first run, without what changes no number.
        environment: Of the first run.
    """

    name: str
    experiment: str  # by its name, whatever the table is called
    data: str  # kind of the data
    title: str
    question: str
    command: str
    sources: list[str]
    headings: list[str]
    rows: list[list[str]]
    labels: list[dict[str, str]]
    metrics: list[dict[str, Any]]
    measures: dict[str, dict[str, Any]]  # declarations of the metrics
    claims: list[ClaimSummary]
    listings: list[ListingSummary]
    notes: list[str]
    figures: list[str]
    pages: NotRequired[list[PageLink]]
    config: dict[str, Any]
    environment: dict[str, Any]


REQUIRED = Summary.__annotations__.keys() - {"pages"}


def claims_of(rows: Sequence[Row], claims: Sequence[Claim]) -> list[ClaimSummary]:
    """Judge claims by the rows of a table.

    Args:
        rows: Of the table.
        claims: About these rows.

    Returns:
        Each claim with its verdict and its differences.
    """
    measures = declared_by(rows)
    return [
        {
            "claim": claim.claim,
            "metric": claim.metric,
            "heading": measures.title(claim.metric),
            "against": claim.against(measures),
            "expected": claim.expected,
            "verdict": str(verdict),
            "differences": [difference_cell(row, rows, claim) for row in rows],
        }
        for claim, verdict in zip(claims, verdicts(claims, rows), strict=True)
    ]


def named_differences(claim: ClaimSummary, report: Summary) -> list[str]:
    """Return the differences of a claim, each after the row that it is of, if there are several rows.

    Args:
        claim: Of this report.
        report: Names the rows.
    """
    names = [row_name(labels) for labels in report["labels"]]
    return [
        f"{name}: {difference}" if name else difference
        for name, difference in zip(names, claim["differences"], strict=True)
        if difference != ABSENT
    ]


def row_name(labels: Mapping[str, str]) -> str:
    """Name a row by its keys and values; a variant speaks for itself.

    Example:
        >>> row_name({"solver.nonnegative": "false", "seed": "1"}), row_name({"variant": "as_published"})
        ('nonnegative = false, seed = 1', 'as published')
    """
    return ", ".join(
        value.replace("_", " ") if key == "variant" else f"{short_key(key)} = {value}" for key, value in labels.items()
    )


def science_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a run's configuration that decides its numbers."""
    return {key: without_places(config[key]) for key in SCIENCE if key in config}


def environment_of(record: Record) -> dict[str, Any]:
    """Return what a reader needs of the environment: versions and machine, nothing that changes from run to run."""
    kept = ("version", "git_commit", "python", "platform", "num_cpus", "device", "packages")
    return {key: record.environment[key] for key in kept if key in record.environment}


def read_summaries(results: Path) -> list[Summary]:
    """Return all reports under `results`, by name.

    Left out, and named in a warning, are files of others, those that are damaged, and reports of earlier versions.
    """
    found: list[Summary] = []
    others, earlier = [], []
    for path in sorted((results / "tables").glob("[!.]*.json")):  # hidden ones are being written
        try:
            report = read_json(path)
        except SpliceError:
            report = {}
        if report.get("name") != path.stem:  # also a copy of a report
            others.append(path.name)
        elif report.keys() >= REQUIRED:
            found.append(cast(Summary, report))
        else:
            earlier.append(path.name)
    if earlier:
        log.warning("left out, made by an earlier version: %s; run their commands again", shown(earlier))
    if others:
        log.warning("left out of %s, because they are no reports, or damaged: %s", results / "tables", shown(others))
    return found
