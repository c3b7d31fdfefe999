"""One line per image: by its name, or by its index where several have that name."""

import pandas as pd
import pytest

from splice_exp.core.io import write_json
from splice_exp.report.picture_list import PictureList
from splice_exp.report.records import Record
from tests.report.declared import declare


@pytest.mark.parametrize(
    ("files", "shown"),
    [
        (["holidays/a.png", "b.png"], ["a.png", "b.png"]),
        (["left/a.png", "right/a.png", "b.png"], ["left/a.png", "right/a.png", "b.png"]),
    ],
)
def test_pictures_of_one_name_are_told_apart(tmp_path, files, shown):
    write_json(tmp_path / "metrics.json", {"cosine/plain": 0.5})
    write_json(
        tmp_path / "environment.json", {"seed": 0, "data": {"fingerprint": "d"}, "backbone": {"fingerprint": "b"}}
    )
    declare(tmp_path)
    pd.DataFrame({"sample_id": files, "cosine/plain": 0.5}).to_parquet(tmp_path / "samples.parquet")
    concepts = [(files[0], 1, "star", 0.25), (files[0], 2, "red", 0.125)]
    pd.DataFrame(concepts, columns=["sample_id", "rank", "concept", "code"]).to_parquet(tmp_path / "concepts.parquet")
    report = PictureList(title="t", question="", columns=["cosine/plain"])
    found = report.lay_out([Record({}, tmp_path)])
    assert found.headings == ["image", "concepts", "cosine"]
    assert [line[0] for line in found.rows] == shown
    assert [line[1] for line in found.rows] == ["star 0.250, red 0.125", *["none"] * (len(files) - 1)]
    swept = report.lay_out([Record({"solver.l1_penalty": penalty}, tmp_path) for penalty in ("0.1", "0.2")])
    assert swept.headings == ["image", "l1 penalty", "concepts", "cosine"]
    assert [line[1] for line in swept.rows] == ["0.1"] * len(files) + ["0.2"] * len(files)
