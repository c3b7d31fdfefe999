"""Progress: one line per computed row, on a terminal one that is updated in place; no message appears twice."""

import logging
import sys

from splice_exp.core.text import progress


def test_a_sweep_says_a_line_per_computed_row(capsys):
    shown = progress.Display()
    shown.sweep(["penalty 0.1", "penalty 0.2", "penalty 0.3"], waiting=2)
    for number, works in enumerate((False, True, True)):
        shown.row(number)
        if works:
            shown.stage("embeddings")
            shown.stage_ends()
        shown.row_ends(number)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("2 of 3: penalty 0.2 (")
    assert "left" in first
    assert second.startswith("3 of 3: penalty 0.3 (")
    assert "left" not in second


def test_messages_of_progress_are_left_to_the_display_of_a_sweep(monkeypatch):
    monkeypatch.setattr(progress, "DISPLAY", progress.Display())
    records = [logging.makeLogRecord({"msg": "embeddings …", **extra}) for extra in (progress.PROGRESS, {})]
    assert [progress.Shown().filter(record) for record in records] == [True, True]
    progress.DISPLAY.sweep(["a", "b"], waiting=2)
    assert [progress.Shown().filter(record) for record in records] == [False, True]


def test_on_a_terminal_one_line_names_row_and_stage(monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    shown = progress.Display()
    shown.sweep(["penalty 0.1", "penalty 0.2"], waiting=2)
    shown.row(0)
    shown.stage("decomposition")
    described = shown._bars.tasks[0].description
    shown.step(1, 4)
    assert not shown._bars.tasks[1].visible  # it began a moment ago
    monkeypatch.setattr(progress, "BAR_AFTER", 0.0)
    shown.step(2, 4)
    assert (shown._bars.tasks[1].visible, shown._bars.tasks[1].completed, shown._bars.tasks[1].total) == (True, 2, 4)
    shown.stage_ends()
    assert not shown._bars.tasks[1].visible
    shown.row_ends(0)
    shown.close()
    assert described == "1 of 2 · penalty 0.1 · decomposition"
    assert not shown.quiet
