"""Pages hold all they show; the index sets our verdicts and numbers beside the paper's, and says what is missing."""

import base64
import csv
import platform
import re
import subprocess
from pathlib import Path

import pytest

from splice_exp.core.errors import SpliceError
from splice_exp.core.io import read_json, write_json
from splice_exp.core.measures import Measures, to_json
from splice_exp.evaluation.splice.stability_report import LassoStability
from splice_exp.report.drawings.figures import Bars
from splice_exp.report.index import headline, write_index
from splice_exp.report.page import Report
from splice_exp.report.pages import write_page
from splice_exp.report.published import REFERENCES, cells_of, claims_beside, numbers_beside, places_of, read_reference
from splice_exp.report.summary import read_summaries
from splice_exp.report.tables import ABSENT
from tests.report.test_reports import CLAIM, TOP1, records  # noqa: F401  a fixture
from tests.test_configuration import composed
from tests.test_measures import evaluations

RESULTS = Path(__file__).parents[2] / "results"


@pytest.fixture
def results(tmp_path, records):  # noqa: F811
    folder = tmp_path / "results"
    report = Report("A <title>", "Is it & so?", [TOP1, "l0/mean"], [CLAIM], Bars([TOP1]), ["A note."])
    report.write(records, folder, "stem", "python -m splice_exp experiment=stem")
    return folder


def test_a_page_asks_for_nothing_and_shows_everything(results):
    text = (results / "pages" / "stem.html").read_text()
    assert not re.findall(r"(?:src|href)=[\"\'](?:https?:)?//", text)
    assert "A &lt;title&gt;: tiny" in text
    assert "Is it &amp; so?" in text
    (source,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', text)
    assert base64.b64decode(source) == (results / "figures" / "stem.svg").read_bytes()
    shown = ("python -m splice_exp experiment=stem", "signed is worse", "A note.", "prefers-color-scheme")
    assert all(part in text for part in shown)
    assert 'name="viewport"' in text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *(
            ("mine.json", "[1, 2]"),
            ("mine.json", "{}"),
            ("mine.json", '{"name": 3}'),
            ("mine.json", "\x00"),
            ("a.json", None),
        ),
        ("stem (1).json", "a copy"),
        ("stem.json", '{"name": "st'),
    ],
)
def test_files_of_others_among_the_tables_are_named_and_stop_no_report(results, records, caplog, name, content):  # noqa: F811
    table = results / "tables" / name
    if content is None:
        table.mkdir()
    else:
        table.write_text((results / "tables" / "stem.json").read_text() if content == "a copy" else content)
    found = [report["name"] for report in read_summaries(results)]
    assert found == ([] if name == "stem.json" else ["stem"])
    assert f"left out of {results / 'tables'}, because they are no reports, or damaged: {name}" in caplog.text
    report = Report("Title", "Question?", [TOP1])
    report.write(records, results, "another", "python -m splice_exp experiment=another")
    assert (results / "index.html").is_file()


def test_a_table_that_was_being_written_when_its_process_was_killed_is_no_report(results, records, caplog):  # noqa: F811
    process = subprocess.Popen(["true"])
    process.wait()
    left = results / "tables" / f".stem~{platform.node()}~{process.pid}~abc.json"
    left.write_text("{")
    assert [report["name"] for report in read_summaries(results)] == ["stem"]
    assert not caplog.text
    Report("Title", "Question?", [TOP1]).write(records, results, "another", "python -m splice_exp experiment=another")
    assert not left.exists()


def test_pages_can_be_made_again_from_what_is_stored(results):
    page, index = results / "pages" / "stem.html", results / "index.html"
    before = page.read_bytes(), index.read_bytes()
    page.unlink()
    for report in read_summaries(results):
        write_page(results, report)
    write_index(results)
    assert (page.read_bytes(), index.read_bytes()) == before
    assert 'href="pages/stem.html"' in index.read_text()


def test_a_large_drawing_is_shown_as_a_bitmap(results):
    (results / "figures" / "stem.svg").write_text("<svg>" + " " * 400_000 + "</svg>")
    (report,) = read_summaries(results)
    assert "data:image/png;base64," in write_page(results, report).read_text()


REFERENCE = {
    "claims": [
        {"where": "T1", "report": "stem", "paper": "holds", "claim": "signed is worse"},
        {"where": "T2", "report": "other", "paper": "holds", "claim": "anything"},
    ],
    "numbers": [
        {
            "where": "T1", "what": "w", "published": 0.6, "certainty": "code", "source": "s",
            "same": {"report": "stem", "metric": TOP1, "row": {"x": "a", "sign": "true"}},
            "world": {"report": "stem", "metric": TOP1, "row": {"x": "a", "sign": "false"}},
        },
        {
            "where": "T2", "what": "w", "published": 0.6, "certainty": "code", "source": "s",
            "same": {"report": "other", "metric": TOP1},
        },
    ],
    "notes": [],
}  # fmt: skip


def test_claims_and_numbers_stand_beside_ours_and_missing_ones_are_said(results):
    reports = read_summaries(results)
    ours, missing = claims_beside(REFERENCE, reports)
    assert ours["verdict"].startswith("holds in 1 of 2")
    assert any(difference.startswith("x = a, sign = false: -40.0") for difference in ours["differences"])
    assert (missing["verdict"], missing["report"]) == ("not run here", None)
    measured, absent = numbers_beside(REFERENCE["numbers"], reports)
    assert measured["published"] == "60.0 %"
    assert measured["same"].startswith("90.0 [")
    assert measured["difference"] == "+30.0"
    assert measured["world"].startswith("50.0 [")
    other, _ = numbers_beside(REFERENCE["numbers"], reports, {"stem": ["data.limit=4"]})
    assert other["same"] == f"{measured['same']} (changed: data.limit=4)"
    assert other["difference"] == "–"
    assert (absent["same"], absent["difference"], absent["world"]) == ("not run here", "–", "–")


def test_a_claim_or_a_row_that_a_report_has_not_is_said(results):
    """Whoever sweeps something else gets a report all the same."""
    reports = read_summaries(results)
    (line,) = claims_beside({"claims": [{**REFERENCE["claims"][0], "claim": "signed is wrose"}]}, reports)
    assert (line["verdict"], line["differences"]) == ("not in this report", [])
    number = {**REFERENCE["numbers"][0], "same": {"report": "stem", "metric": TOP1, "row": {"x": "c"}}}
    (line,) = numbers_beside([number], reports)
    assert (line["same"], line["difference"]) == ("not in this report", "–")


def committed_reports():
    """Return labels, metrics and claims of the committed tables, as far as their files say them."""
    found = [*evaluations(), LassoStability]
    declared = Measures(tuple(measure for one in found for measure in one.measures))
    reports = []
    for path in sorted((RESULTS / "tables").glob("*.csv")):
        with path.open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        text = path.with_suffix(".md").read_text(encoding="utf-8")
        found = re.findall(r"^- Claim: (.*)\. Verdict: (.*)\.$", text, flags=re.MULTILINE)
        reports.append(
            {
                "name": path.stem,
                "measures": to_json(declared.resolved(key for key in rows[0] if "/" in key)),
                "labels": [{key: value for key, value in row.items() if "/" not in key} for row in rows],
                "metrics": [{key: float(value) for key, value in row.items() if "/" in key and value} for row in rows],
                "claims": [
                    {"claim": claim, "verdict": verdict, "differences": [ABSENT] * len(rows)}
                    for claim, verdict in found
                ],
            }
        )
    return reports


@pytest.mark.parametrize("name", ["cocoa", "sith", "splice"])
def test_the_committed_reference_fits_the_committed_tables(name):
    reference = read_reference(REFERENCES / f"{name}.yaml")
    reports = committed_reports()
    assert all(claim["verdict"] != "not in this report" for claim in claims_beside(reference, reports))
    numbers = [*reference["numbers"], *(cell for table in reference["tables"] for cell in cells_of(table))]
    lines = numbers_beside(numbers, reports)
    known = {report["name"] for report in reports}
    for entry, line in zip(numbers, lines, strict=True):
        assert "not in" not in line["same"]
        assert line["world"] != "–" or entry.get("world", {}).get("report") not in known
    for entry in reference["claims"]:
        config = composed(f"experiment={entry['report']}", with_hydra=True)
        assert entry["claim"] in [claim.claim for claim in config.report.comparisons]


def test_committed_tables_stand_alone():
    """Neither do they say where files lay, nor show figures that are not committed."""
    for path in (RESULTS / "tables").glob("*.md"):
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r"(?:^|[\s'=:])(?:/|~/)\w+/", text), path.name
        assert "![" not in text, path.name


def test_what_is_committed_of_results_is_small_and_known():
    listed = subprocess.run(["git", "ls-files", "results"], cwd=RESULTS.parent, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a checkout of git")
    paths = [Path(line) for line in listed.stdout.splitlines()]
    known = {"tables": {".md", ".csv"}, "reference": {".yaml"}, "notes": {".md"}, "figures": {".png"}}
    assert all(path.suffix in known[path.parts[1]] for path in paths)
    readme = (RESULTS.parent / "README.md").read_text(encoding="utf-8")
    assert all(path.as_posix() in readme for path in paths if path.parts[1] == "figures")
    assert sum((RESULTS.parent / path).stat().st_size for path in paths) < 2_500_000


def test_places_in_the_papers_are_those_of_the_claims():
    references = [
        {"paper": "A", "claims": [{"report": "x", "where": "Table 1"}, {"report": "x_y", "where": "Figure 2"}]}
    ]
    assert places_of("x", references) == ["A, Table 1"]
    assert places_of("paper_x_y", references) == ["A, Figure 2"]
    assert places_of("z", references) == []


def test_cells_of_a_published_table_are_numbers():
    table = {
        "where": "Table 1",
        "source": "s",
        "certainty": "c",
        "row": {"similarity": "cosine"},
        "columns": [
            {
                "what": "insertion",
                "same": {"report": "r", "metric": "m", "methods": {"rise": "rise_4x4"}},
                "world": {"report": "w", "metric": "m"},
            },
            {"what": "deletion", "same": {"report": "r", "metric": "d"}},
        ],
        "rows": [{"what": "RISE", "row": {"method": "rise"}, "suffix": "_null", "published": [0.5, 0.25]}],
    }
    first, second = cells_of(table)
    assert (first["what"], first["published"]) == ("RISE; insertion", 0.5)
    assert first["same"] == {"report": "r", "metric": "m_null", "row": {"similarity": "cosine", "method": "rise_4x4"}}
    assert first["world"]["row"]["method"] == "rise"
    assert "world" not in second


def test_a_reference_of_another_layout_is_refused(tmp_path):
    (tmp_path / "a.yaml").write_text("numbers: []")
    with pytest.raises(SpliceError, match="must have the keys paper, numbers, tables, claims and notes"):
        read_reference(tmp_path / "a.yaml")
    with pytest.raises(SpliceError, match="cannot be read as yaml"):
        read_reference(tmp_path / "none.yaml")


def test_the_summary_is_plain_and_complete(results):
    summary = read_json(results / "tables" / "stem.json")
    assert len(summary["rows"]) == len(summary["metrics"]) == len(summary["labels"]) == 4
    assert all(len(row) == len(summary["headings"]) for row in summary["rows"])
    assert summary["figures"] == ["stem"]


def test_a_report_whose_measures_are_worded_otherwise_stops_no_index(results, records):  # noqa: F811
    Report("Title", "Question?", [TOP1]).write(records, results, "another", "python -m splice_exp experiment=another")
    path = results / "tables" / "another.json"
    report = read_json(path)
    report["measures"][TOP1]["heading"] = "accuracy, as an earlier version called it"
    write_json(path, report)
    assert "another" in write_index(results).read_text()


def test_the_index_has_a_card_by_system_with_a_thumbnail_and_a_headline(results):
    text = (results / "index.html").read_text()
    (card,) = re.findall(r'<a class="card".*?</a>', text, re.S)
    assert 'src="data:image/webp;base64,' in card
    assert ">The claim holds in 1 of 2" in card
    (report,) = read_summaries(results)
    assert headline({**report, "claims": []}) == f"{report['headings'][2]} {report['rows'][0][2]} (x = a, sign = true)"


def test_the_number_of_images_of_your_own_is_the_first_that_is_one(results):
    (report,) = read_summaries(results)
    row = ["2 cats.jpg", "3d print 0.071, haze 0.023", "7.00", "0.590"]
    report |= {"claims": [], "headings": ["image", "concepts", "L0", "cosine"], "rows": [row], "labels": [{}]}
    assert headline(report) == "L0 7.00 (2 cats.jpg)"
    assert headline({**report, "rows": [["all", "", "92.0 [81.9, 98.1]", ""]]}) == "L0 92.0 [81.9, 98.1] (all)"
    assert headline({**report, "rows": [["2 cats.jpg", "none", "–", "–"]]}) == ""


def test_an_interval_can_be_hidden_and_a_name_in_brackets_stays(results):
    (report,) = read_summaries(results)
    report["rows"][0][-1] = "0.5 [0.4, 0.6]"
    report["rows"][1][-1] = "<i> [x]"
    text = write_page(results, report).read_text()
    assert '<td>0.5<span class="ci"> [0.4, 0.6]</span></td>' in text
    assert "<td>&lt;i&gt; [x]</td>" in text
