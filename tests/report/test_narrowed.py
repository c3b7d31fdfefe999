"""A report adapts to a narrowed sweep: what it claims is about rows that are there."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.utils import get_class
from omegaconf import OmegaConf

from splice_exp.build import build
from splice_exp.configuration import plain
from splice_exp.core.measures import Measures
from splice_exp.points import Point, expand, label, labels
from splice_exp.report.comparisons import Comparison, Level
from splice_exp.report.drawings.head_sheets import HeadSheets
from splice_exp.report.drawings.histograms import Histograms
from splice_exp.report.drawings.overlays import Overlays
from splice_exp.report.listings import Listing
from splice_exp.report.notes import Note, notes_of
from splice_exp.report.records import Record
from tests.test_sweeps import ALL, composed_sweep, is_group

SAMPLES = 20


def fabricated(labels, config, choices=None, metrics=None, samples=None, measures=None):
    """A record of a run that never was."""
    record = Record(labels, Path("nowhere"), choices)
    vars(record).update(
        error=None,
        config=config,
        metrics=metrics or {},
        measures=measures or Measures(),
        samples=samples or {},
        environment={"data": {"fingerprint": "same"}, "backbone": {"fingerprint": "same"}, "seed": 0},
    )
    return record


def settings_of(points, config, choices):
    """Return configuration and choices of each point, by its overrides."""
    parser = OverridesParser.create()
    found = {}
    for point in points:
        given = dict(word.lstrip("+").split("=", 1) for word in point.overrides if "=" in word)
        own = OmegaConf.create(config)
        for key, value in given.items():
            if not is_group(key):
                OmegaConf.update(own, key, parser.parse_override(f"{key}={value}").value())
        chosen = choices | {key: label(value) for key, value in given.items() if key in choices}
        found[point.overrides] = (OmegaConf.to_container(own), chosen)
    return found


def records_of(points, settings, metrics, measures):
    """Fabricate a record for each point: the same names of measures in all, and other values."""
    found = []
    for number, (point, named) in enumerate(zip(points, labels(points), strict=True)):
        config, chosen = settings[point.overrides]
        random = np.random.default_rng(number)
        samples = {"sample_id": np.arange(SAMPLES)} | {name: random.random(SAMPLES) for name in metrics}
        means = {name: float(samples[name].mean()) for name in metrics}
        found.append(fabricated(named, config, chosen, means, samples, measures))
    return found


def narrowed(points):
    """Yield what a user may narrow a sweep to: one key to its first value, one to its last, and all to one row."""
    keys = [key for key in points[0].swept if key != "seed"]
    for key in keys:
        for end in (points[0], points[-1]):
            kept = [point for point in points if point.swept[key] == end.swept[key]]
            yield [Point(one.overrides, {k: v for k, v in one.swept.items() if k != key}) for one in kept]
    yield [Point(points[0].overrides, {})]


@pytest.mark.parametrize("name", ALL)
def test_every_claim_is_about_rows_that_are_there(name):
    composed = composed_sweep(name)
    every = expand(composed)
    points = [point for point in every if point.swept.get("seed") == every[0].swept.get("seed")]
    report = build(plain(composed, "report"), "report")
    config = {"evaluation": plain(composed, "evaluation"), "data": plain(composed, "data")}
    choices = {group: label(str(choice)) for group, choice in composed.hydra.runtime.choices.items()}
    measures = Measures(tuple(get_class(config["evaluation"]["_target_"]).measures))
    asked = {one.metric for one in report.comparisons} | {getattr(one, "baseline", None) for one in report.comparisons}
    shown = sorted((asked | set(report.columns)) - {None})
    metrics = [metric for metric in shown if measures.find(metric) is not None]
    settings = settings_of(points, config, choices)
    for points_left in [points, *narrowed(points)]:
        records = records_of(points_left, settings, metrics, measures)
        told = [verdict for _, verdict in report.verdicts(records)]
        told += [report.table(records)] if len(records) > 1 else []
        assert not [line for line in told if "judged:" in line or "cannot be judged" in line]
    if not name.startswith("paper/"):  # those show claims of others, which may be about rows that they lack
        whole = records_of(points, settings, metrics, measures)
        for claim in report.comparisons:
            swept = {key: value for key, value in claim.rows.items() if key in points[0].swept}
            assert replace(claim, rows=swept).applies(whole), claim.claim


def rows_by_split(*splits):
    return [
        fabricated({"data.split": split} if len(splits) > 1 else {}, {"data": {"split": split}}) for split in splits
    ]


IN_TRAINING = Level(claim="c", metric="m", expected="higher", value=0.5, rows={"data.split": "train"})
AGAINST_TRAINING = Comparison(claim="c", metric="m", expected="lower", reference={"data.split": "train"})


@pytest.mark.parametrize(
    ("splits", "level", "comparison"),
    [(("train", "test"), True, True), (("train",), True, False), (("test",), False, False)],
)
def test_a_claim_needs_its_rows_and_those_it_compares_with(splits, level, comparison):
    rows = rows_by_split(*splits)
    assert (IN_TRAINING.applies(rows), AGAINST_TRAINING.applies(rows)) == (level, comparison)


def test_a_row_is_not_compared_with_one_of_another_setting():
    """The reference has two keys, of which one is narrowed to another value."""
    claim = Comparison(claim="c", metric="m", expected="lower", reference={"x": "a", "data.split": "train"})
    rows = [fabricated({"x": x}, {"data": {"split": "test"}}) for x in "ab"]
    assert not claim.applies(rows)
    assert claim.applies([fabricated({"x": x}, {"data": {"split": "train"}}) for x in "ab"])


def test_a_note_is_about_settings_swept_or_not():
    note = Note(text="Held out.", rows={"evaluation.held_out": True})
    rows = [fabricated({}, {"evaluation": {"held_out": held_out}}) for held_out in (True, False)]
    assert notes_of(rows[:1], [], ["Always.", note]) == ["Always.", "Held out."]
    assert notes_of(rows[1:], [], ["Always.", note]) == ["Always."]


def with_tables(record, **tables):
    record.table, record.has_table = (lambda name: tables[name].copy()), tables.__contains__
    return record


def test_a_histogram_has_a_panel_for_a_setting_that_is_not_swept():
    bins = pd.DataFrame({"kind": ["k"], "from": [0.0], "to": [1.0], "share": [1.0]})
    figure = Histograms("codes", "data.split", {"train": "in training"}, {"k": "k"}, "x", "share")
    for splits, titles in (("train",), ["in training"]), (("test",), ["test"]), (("test", "train"), None):
        rows = [with_tables(row, codes=bins) for row in rows_by_split(*splits)]
        drawn = [axis.get_title() for axis in figure.draw(rows, "t").axes]
        assert drawn == (titles or ["in training", "test"])


def test_the_maps_of_a_single_row_are_shown():
    pixels = {"picture": [0], "height": [2], "width": [2]}
    maps = pd.DataFrame({**pixels, "values": [[0.0, 1.0, 2.0, 3.0]], "name": ["star"]})
    pictures = pd.DataFrame({**pixels, "values": [list(range(12))]})
    row = with_tables(fabricated({}, {}), maps=maps, pictures=pictures)
    assert len(Overlays({"cocoa": "COCOA"}).draw([row], "t").axes) == 2


def test_a_table_that_no_run_has_is_not_listed():
    listing = Listing(title="Shares of heads", table="heads", lines=["head"], across="kind", value="share")
    known = pd.DataFrame({"head": ["L0.H0"], "kind": ["colour"], "share": [0.5]})
    assert not listing.applies([with_tables(fabricated({}, {}))])
    assert listing.applies([with_tables(fabricated({"x": "a"}, {}), heads=known)])


def test_heads_of_layers_that_were_not_read_are_left_out():
    sheets = HeadSheets(["L22.H1", "L23.H8"])
    assert sheets._chosen(["L23.H7", "L23.H8"]) == ["L23.H8"]
    assert sheets._chosen(["L3.H0"]) == ["L3.H0"]
