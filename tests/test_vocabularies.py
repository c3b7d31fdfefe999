"""The authors' three vocabularies, whole, through the main command: page, table and figure of their oddest names."""

import re
import sys

import pandas as pd
import pytest
from hydra.core.global_hydra import GlobalHydra
from markupsafe import escape

from splice_exp import sweep
from splice_exp.cli import _escaped, main
from splice_exp.core.io import read_json
from splice_exp.core.names import canonical
from splice_exp.core.text.lines import read_lines
from tests.core.text.test_markdown import cells

ODD = re.compile(r"[$|<>&*_\\`#~=@\[\]]|^-+$")
SIZES = {"laion": 37_445, "laion_bigrams": 15_000, "mscoco": 12_832}


def quoted(names):
    listed = ",".join(f"'{_escaped(name)}'" for name in names)
    return f"[{listed}]"


@pytest.mark.slow
@pytest.mark.parametrize("name", SIZES)
def test_a_whole_vocabulary_has_a_page_a_table_and_a_figure(real_data, name, tmp_path, monkeypatch, capsys):
    """Planted mixtures of the oddest names of the list: each must come out again, in the table and on the page."""
    lines = [line.text for line in read_lines(real_data / "vocab" / f"{name}.txt", "vocabulary")]
    odd = sorted((one for one in lines if ODD.search(one) and canonical(one) == one), key=lambda one: "$" not in one)
    objects = [*odd[:20], "dog"]
    overrides = [
        *("experiment=decompose", "backbone=planted", "backbone.dim=256", "backbone.noise=0.3"),
        *("data=planted", f"data.objects={quoted(objects)}", "data.num_samples=50"),
        *(f"vocabulary={name}", "vocabulary.size=null", f"vocabulary.cache={real_data / 'vocab'}"),
        *("vocabulary.bigram_size=null", "alignment.image_mean=estimate", "solver.l1_penalty=0.3"),
        *("logger=none", "table=decompose", f"paths.results={tmp_path}", f"paths.cache={tmp_path / 'cache'}"),
    ]
    GlobalHydra.instance().clear()
    monkeypatch.setattr(sys, "argv", ["splice_exp", *overrides])
    monkeypatch.setattr(sweep, "OUTCOME", sweep.Outcome())
    main()
    assert capsys.readouterr().out.splitlines()[-1].startswith("results: ")
    (run,) = (tmp_path / "runs" / "decompose").iterdir()
    assert len(read_json(run / "codes.json")["concepts"]) == SIZES[name]
    assert (run / "figures" / "class_concepts.png").stat().st_size > 10_000
    concepts = pd.read_parquet(run / "concepts.parquet")
    found = set(objects) & set(concepts["concept"])
    assert len(found) > 0.9 * len(objects)
    assert name != "laion" or found >= {"$", "$$", "$$$", "dog"}
    shown = cells((tmp_path / "tables" / "decompose.md").read_text())
    page = (tmp_path / "pages" / "decompose.html").read_text()
    for line, (sample_id, of_sample) in zip(shown[1:], concepts.groupby("sample_id", sort=False), strict=True):
        named = zip(of_sample["concept"], of_sample["code"], strict=True)
        expected = ", ".join(f"{concept} {value:.3f}" for concept, value in named)
        assert line[:2] == [sample_id, expected]
        assert f">{escape(expected)}</td>" in page
