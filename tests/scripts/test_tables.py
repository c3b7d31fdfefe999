"""What is committed of results: copied without figures, compared cell by cell; pages of measurements that grow."""

import runpy
import sys
from pathlib import Path

import pytest

from tests.test_configuration import composed

ROOT = Path(__file__).parents[2]
TABLE = "# Title\n\n{figure}| x | L0 |\n|:--|:---|\n| a | {value} |\n| b | 3 |\n\n{figure}Brackets.\n"


def write(folder, name, value, figure=""):
    path = folder / "tables" / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TABLE.format(value=value, figure=figure))
    path.with_suffix(".csv").write_text(f"x,l0/mean\na,{value}\n")
    return path


def compare(monkeypatch, tmp_path, *names):
    folders = [f"--made={tmp_path / 'made'}", f"--committed={tmp_path / 'committed'}"]
    monkeypatch.setattr(sys, "argv", ["compare_tables.py", *names, *folders])
    runpy.run_path(str(ROOT / "scripts" / "compare_tables.py"), run_name="__main__")


def test_cells_are_compared_one_by_one(monkeypatch, capsys, tmp_path):
    write(tmp_path / "made", "t", "2"), write(tmp_path / "committed", "t", "2")
    compare(monkeypatch, tmp_path, "t")
    assert capsys.readouterr().out == "t: 6 of 6 cells equal those of the committed table\n"
    made = write(tmp_path / "made", "t", "5")
    compare(monkeypatch, tmp_path)
    assert "t: 5 of 6 cells" in (out := capsys.readouterr().out)
    assert "line 2: 5 here, 2 committed" in out
    made.write_text(made.read_text().replace("| b | 3 |\n", ""))
    compare(monkeypatch, tmp_path)
    assert "line 3: nothing here, b committed" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="other is not in both of"):
        compare(monkeypatch, tmp_path, "other")


def test_tables_are_committed_without_figures(tmp_path):
    made, committed = tmp_path / "made", tmp_path / "committed"
    write(made, "t", "2", figure="![t](../figures/t.png)\n\n")
    (made / "figures").mkdir()
    (made / "figures" / "quickstart_samples.png").write_bytes(b"png")
    (made / "figures" / "t.png").write_bytes(b"png")
    for name in ("tables", "figures"):
        (committed / name).mkdir(parents=True)
    runpy.run_path(str(ROOT / "scripts" / "make_tables.py"))["publish"](made, committed)
    assert (committed / "tables" / "t.md").read_text() == TABLE.format(value="2", figure="")
    written = {path.relative_to(committed).as_posix() for path in committed.rglob("*.*")}
    assert written == {"tables/t.md", "tables/t.csv", "figures/quickstart_samples.png"}


def test_a_page_of_measurements_grows(tmp_path):
    journal = runpy.run_path(str(ROOT / "benchmarks" / "journal.py"))
    page = tmp_path / "bench.md"
    journal["write_section"](page, "Speed", "Monday", "    command\n\n1 s\n")
    journal["write_section"](page, "Speed", "Tuesday", "    command\n\n2 s")
    journal["write_section"](page, "Speed", "Tuesday", "    command\n\n3 s\n\n### Details\n\nnone")
    tuesday = "## Tuesday\n\n    command\n\n3 s\n\n### Details\n\nnone\n"
    assert page.read_text() == f"# Speed\n\n{tuesday}\n## Monday\n\n    command\n\n1 s\n"
    assert journal["run_heading"]().count(", ") >= 3


def test_what_changed_is_said_claim_by_claim():
    compared = runpy.run_path(str(ROOT / "scripts" / "compare_claims.py"))
    head = "- Seed 0, splice_exp {version}, torch 2.15.0\n\n"
    before = head.format(version="0.1.0") + "- Claim: a is more. Verdict: holds.\n- Claim: b is less. Verdict: holds.\n"
    now = head.format(version="0.3.0") + "- Claim: a is more. Verdict: is undecided (3 models).\n"
    assert compared["changes"](before, now) == [
        ["a is more.", "holds.", "is undecided (3 models)."],
        ["b is less.", "holds.", "(not asked any more)"],
    ]
    (before, now), *_ = compared["reworded"]().items()
    old, new = f"- Claim: {before} Verdict: holds.\n", f"- Claim: {now} Verdict: does not hold.\n"
    assert compared["changes"](old, new) == [[now, "holds.", "does not hold."]]
    before, now = (head.format(version=version) + text for version, text in (("0.1.0", old), ("0.3.0", new)))
    page = compared["page"]({"one": (before, now), "same": (now, now)}, "command")
    assert "## one" in page
    assert "before (0.1.0)" in page
    assert "now (0.3.0)" in page
    assert "## same" not in page


def test_a_revision_that_is_none_is_refused(monkeypatch, tmp_path):
    page = tmp_path / "page.md"
    monkeypatch.setattr(sys, "argv", ["compare_claims.py", "no-such-revision", f"--output={page}"])
    with pytest.raises(SystemExit, match="^error: BEFORE is 'no-such-revision', but must be a revision"):
        runpy.run_path(str(ROOT / "scripts" / "compare_claims.py"), run_name="__main__")
    assert not page.exists()


def test_learned_dictionaries_are_judged_on_the_other_half_of_real_files(monkeypatch, tmp_path):
    commands = []
    monkeypatch.setattr("subprocess.run", lambda words, check: commands.append(words[3:]))
    folders = [f"--real={tmp_path}", f"--made={tmp_path}", f"--committed={tmp_path}"]
    monkeypatch.setattr(sys, "argv", ["make_tables.py", *folders])
    runpy.run_path(str(ROOT / "scripts" / "make_tables.py"), run_name="__main__")
    halved = [words for words in commands if "learned_from=other_half" in words]
    assert [words[0] for words in halved] == ["experiment=concept_methods", "experiment=amortisation"] * 2
    for words in halved[:2]:
        rest = [word for word in words if not word.startswith("seed=")]
        config = composed(*rest, "variant=concepts/pca")  # one row; the others are of the same kind
        assert (config.data.half, config.dictionary.train.half) == ("second", "first")
        assert config.dictionary.train.path == config.data.path
