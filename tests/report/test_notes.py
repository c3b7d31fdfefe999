"""Reports speak the words of the field, and their notes explain headings that are there."""

import re
from pathlib import Path

import pytest
import yaml
from hydra.utils import get_class
from omegaconf import OmegaConf

from splice_exp.configuration import CONFIG_DIRECTORY
from splice_exp.core.assets import ASSETS
from splice_exp.core.measures import Measures
from splice_exp.report.notes import explains, terms
from splice_exp.report.page import Report
from splice_exp.report.protocol import as_markdown, read_protocol
from splice_exp.report.published import PROTOCOL, REFERENCES
from splice_exp.report.records import short_key
from tests.report.test_reports import TOP1, records  # noqa: F401  a fixture
from tests.test_configuration import composed
from tests.test_measures import EXPERIMENTS

OLD = re.compile(
    r"\b(embedded world|pictures?|nulls?|mean[- ]only|likeness|dealt|poles?|gains|doses?|held against|fresh eyes|anew|"
    r"way back|misbound|recompose\w*|told|max[–\- ]min|mean[–\- ]mean|one's own|as much energy|by chance|in turns|mend|"
    r"one a (?:row|line)|has not(?=[.,:]| both)|chances|own head|not yours|(?<!residual )stream)\b",
    flags=re.IGNORECASE,
)
FILES = sorted([*(CONFIG_DIRECTORY / "report").glob("*.yaml"), *(CONFIG_DIRECTORY / "experiment").glob("**/*.yaml")])


def text_of(note):
    return note if isinstance(note, str) else note["text"]


def texts_of(report):
    """All that a reader of a report sees, but for names of metrics and files."""
    figure = report.get("figure") or {}
    yield from (report.get("title", ""), report.get("question", ""), *map(text_of, report.get("notes") or []))
    yield from (comparison["claim"] for comparison in report.get("comparisons") or [])
    for listing in report.get("listings") or []:
        yield from (listing["title"], *listing["lines"])
    for labels in ("headings", "kinds", "groups", "bars", "columns"):
        yield from (figure.get(labels) or {}).values()


def old_words(texts):
    return [match[0] for text in texts for match in OLD.finditer(text)]


def test_old_words_are_found():
    texts = ["The poles of a picture", "in the stream", "the null: mean-only"]
    assert old_words(texts) == ["poles", "picture", "stream", "null", "mean-only"]
    assert not old_words(["80 % of the gain in the residual stream, compared with the mean baseline"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CONFIG_DIRECTORY).with_suffix("")))
def test_reports_have_no_old_words(path: Path):
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    report = content if path.parent.name == "report" else content.get("report") or {}
    assert old_words(texts_of(report)) == []


def test_the_protocol_has_no_old_words():
    assert old_words([re.sub("`[^`]*`", "", as_markdown(read_protocol()))]) == []  # but for switches


PAPERS = sorted(path for path in REFERENCES.glob("*.yaml") if path.name != PROTOCOL)


@pytest.mark.parametrize("path", PAPERS, ids=lambda path: path.stem)
def test_what_is_published_has_no_old_words(path: Path):
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    claims = [entry["paper"] for entry in content["claims"]]
    assert old_words([*claims, *content["notes"], *(entry["what"] for entry in content["numbers"])]) == []


@pytest.mark.parametrize("path", sorted((ASSETS / "report").glob("*.j2")), ids=lambda path: path.stem)
def test_templates_have_no_old_words(path: Path):
    assert old_words([re.sub(r"{[{%].*?[%}]}|<[^>]*>", " ", path.read_text(encoding="utf-8"))]) == []


def headings_of(experiment):
    """Notes and headings of the table of an experiment: swept keys, metrics, and measures of its claims."""
    config = composed(f"experiment={experiment}", with_hydra=True)
    declared = Measures(
        tuple(one for part in ("evaluation", "stability") for one in get_class(config[part]._target_).measures)
    )
    report = OmegaConf.to_container(config.report)
    metrics = [*report["columns"], *(claim["metric"] for claim in report["comparisons"])]
    headings = [*map(short_key, config.hydra.sweeper.params or ()), *map(declared.title, metrics)]
    return [text_of(note) for note in report["notes"] or []], [*headings, *(["figure"] if report["figure"] else [])]


def test_every_note_explains_a_heading_of_a_table_that_has_it():
    """A note of a shared report may be about some of its experiments; the others do not show it."""
    shown = {}
    for experiment in EXPERIMENTS:
        notes, headings = headings_of(experiment)
        for note in notes:
            for term in terms(note):
                shown[term] = shown.get(term, False) or explains(f"{term}: ", headings)
    assert len(shown) > 150
    assert [term for term, found in shown.items() if not found] == []


def test_a_note_is_shown_where_its_heading_is(records, tmp_path):  # noqa: F811
    notes = ["Top-1: of the reconstructions.", "F1: of the active concepts.", "Figure: dashed.", "The model is small."]
    Report("Title", "Question?", [TOP1], notes=notes).write(records, tmp_path, "stem", "command")
    text = (tmp_path / "tables" / "stem.md").read_text()
    assert [note in text for note in notes] == [True, False, False, True]
