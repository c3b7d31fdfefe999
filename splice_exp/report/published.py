"""What a paper says, beside what we found: its numbers, and its claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from splice_exp.core.errors import SpliceError
from splice_exp.core.measures import INTERVAL, Measures, Unit, from_json
from splice_exp.core.yaml_file import read_yaml
from splice_exp.report.summary import Summary, named_differences
from splice_exp.report.tables import ABSENT

PACKAGE = Path(__file__).parents[1]
# Inside the wheel, or beside the package in a checkout.
REFERENCES = PACKAGE / "reference" if (PACKAGE / "reference").is_dir() else PACKAGE.parent / "results" / "reference"
PROTOCOL = "protocol.yaml"  # beside them, what published settings share with the papers
PAPER = "paper_"  # before the name of an experiment in the published setting
BEYOND = "beyond the paper"  # where a claim of ours is that no paper makes
NOT_RUN = "not run here"
NOT_IN = "not in this report"  # it was made with other rows, or words its claims otherwise


def read_reference(path: Path) -> dict[str, Any]:
    """Read a file of published numbers and claims.

    Raises:
        SpliceError: if it cannot be read, or has other keys than `paper`, `numbers`, `tables`, `claims` and `notes`.
    """
    try:
        content = read_yaml(path)
    except (OSError, yaml.YAMLError) as error:
        raise SpliceError(f"{path} cannot be read as yaml ({error}).") from error
    if not isinstance(content, dict) or set(content) != {"paper", "numbers", "tables", "claims", "notes"}:
        raise SpliceError(f"{path} must have the keys paper, numbers, tables, claims and notes.")
    return content


def read_references(folder: Path = REFERENCES) -> list[dict[str, Any]]:
    """Return what is published, the paper of the most claims first."""
    found = [read_reference(path) for path in sorted(folder.glob("*.yaml")) if path.name != PROTOCOL]
    return sorted(found, key=lambda published: -len(published["claims"]))


def places_of(experiment: str, references: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return where the papers have what a report is about.

    Args:
        experiment: Of the report, whatever its data are.
        references: Of `read_reference`.
    """
    asked = experiment.removeprefix(PAPER)
    found = {
        f"{reference['paper']}, {entry['where']}": None
        for reference in references
        for entry in reference["claims"]
        if entry["where"] != BEYOND and asked == entry["report"]
    }
    return list(found)


def cells_of(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the cells of a published table as numbers: what a row and a column say together.

    Args:
        table: `where`, `source`, `certainty`; `row`: labels of all its rows; `columns`: `what`, `same` and `world` as
            of a number, where `methods` calls a method otherwise; `rows`: `what`, `row`, `published` and, where it is
            known, the `half_width` of its interval by column, and `suffix` of the measures.
    """
    shared = {key: table[key] for key in ("where", "source", "certainty")}
    return [
        {
            **shared,
            "what": f"{line['what']}; {one['what']}",
            "published": published,
            "half_width": half_width,
            **_places(table, line, one),
        }
        for line in table["rows"]
        for one, published, half_width in zip(
            table["columns"], line["published"], line.get("half_width") or [None] * len(table["columns"]), strict=True
        )
    ]


def _places(table: Mapping[str, Any], line: Mapping[str, Any], one: Mapping[str, Any]) -> dict[str, Any]:
    """Return where our reports have a cell."""
    found = {}
    for key in ("same", "world"):
        if key in one:
            place, row = one[key], {**table["row"], **line["row"]}
            row["method"] = place.get("methods", {}).get(row["method"], row["method"])
            metric = f"{place['metric']}{line.get('suffix', '')}"
            found[key] = {"report": place["report"], "metric": metric, "row": row}
    return found


def claims_beside(reference: Mapping[str, Any], reports: Sequence[Summary]) -> list[dict[str, Any]]:
    """Return the claims of the paper with our verdicts; where we have none, why not.

    Args:
        reference: A file of published numbers and claims.
        reports: All that there are.

    Returns:
        The entries of the file, each with `report`, `verdict` and `differences`.
    """
    by_name = {report["name"]: report for report in reports}
    lines = []
    for entry in reference["claims"]:
        report = by_name.get(entry["report"])
        line = {**entry, "report": entry["report"] if report else None, "differences": [], "verdict": NOT_RUN}
        if report:
            found = {claim["claim"]: claim for claim in report["claims"]}
            line["verdict"] = NOT_IN
            if (claim := found.get(entry["claim"])) is not None:
                line["differences"] = named_differences(claim, report)
                line["verdict"] = claim["verdict"]
        lines.append(line)
    return lines


def numbers_beside(
    numbers: Sequence[Mapping[str, Any]],
    reports: Sequence[Summary],
    changed: Mapping[str, Sequence[str]] | None = None,
) -> list[dict[str, str]]:
    """Return published numbers, ours in the same setting, their difference, and ours on the synthetic benchmark.

    Args:
        numbers: As `read_reference` has them.
        reports: Ours.
        changed: Report → what it changes of the published setting (`protocol.changes_of`): it stands beside the
            number, which then has no difference.
    """
    by_name = {report["name"]: report for report in reports}
    declared = {report["name"]: from_json(report["measures"]) for report in reports}  # versions may word them otherwise
    lines = []
    for entry in numbers:
        same, world = (_measured(by_name, declared, entry.get(key)) for key in ("same", "world"))
        absent = NOT_IN if entry["same"]["report"] in by_name else NOT_RUN
        measure = next(filter(None, (one.find(entry["same"]["metric"]) for one in declared.values())), None)
        unit = Unit.NUMBER if measure is None else measure.unit  # of what none of our reports measures
        changes = (changed or {}).get(entry["same"]["report"], ())
        ours = absent if same is None else same[1]
        lines.append(
            {
                "where": entry["where"],
                "what": entry["what"],
                "published": _published(entry, unit),
                "source": f"{entry['source']} ({entry['certainty']})",
                "same": f"{ours} (changed: {', '.join(changes)})" if same and changes else ours,
                "difference": unit.write_change(same[0] - entry["published"]) if same and not changes else ABSENT,
                "world": ABSENT if world is None else world[1],
            }
        )
    return lines


def _published(entry: Mapping[str, Any], unit: Unit) -> str:
    """Write a published number, with the half-width of its interval where it is known."""
    value, half_width = entry["published"], entry.get("half_width")
    if unit is Unit.SHARE:
        return f"{unit.write(value)} %" if half_width is None else f"{unit.write(value)} ± {100 * half_width:.2g} %"
    return f"{value:g}" if half_width is None else f"{value:g} ± {half_width:g}"


def _measured(
    reports: Mapping[str, Summary], declared: Mapping[str, Measures], where: Mapping[str, Any] | None
) -> tuple[float, str] | None:
    """Return a measure of a row with its interval in words; None where there is no such report, or row."""
    if where is None or where["report"] not in reports:
        return None
    report, wanted = reports[where["report"]], where.get("row", {})
    for labels, metrics in zip(report["labels"], report["metrics"], strict=True):
        if wanted.items() <= labels.items() and metrics.get(where["metric"]) is not None:
            value = metrics[where["metric"]]
            ends = (metrics.get(f"{where['metric']}{end}") for end in INTERVAL)
            return value, declared[report["name"]].of(where["metric"]).write_with_interval(value, *ends)
    return None
