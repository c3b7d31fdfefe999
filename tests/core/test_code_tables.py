"""Codes leave as tables of other libraries, and a question about a million images is one line there."""

import pandas as pd
import pytest
import torch

from splice_exp.core.codes import Codes
from splice_exp.core.errors import SpliceError

CONCEPTS = ("grass", "dog", "a <b>", "sky")
CODES = Codes.from_dense(torch.tensor([[0.5, 0.0, 0.25, 0.0], [0.0, 0.0, 0.0, 0.0], [0.2, 0.3, 0.0, 0.0]]), CONCEPTS)
IDS = ("one.jpg", "two.jpg", "three.jpg")


def test_a_table_has_one_line_per_active_concept():
    found = CODES.to_dataframe(sample_ids=IDS)
    assert found["sample_id"].tolist() == ["one.jpg", "one.jpg", "three.jpg", "three.jpg"]
    assert found["concept"].tolist() == ["grass", "a <b>", "grass", "dog"]
    assert found["code"].tolist() == pytest.approx([0.5, 0.25, 0.2, 0.3])
    assert CODES.to_dataframe()["sample_id"].tolist() == [0, 0, 2, 2]


def test_chosen_concepts_are_columns_and_a_question_is_one_line():
    found = CODES.to_dataframe(["grass", "dog"], IDS)
    assert found.query("grass > .1 and dog == 0").index.tolist() == ["one.jpg"]
    assert found.loc["two.jpg"].tolist() == [0, 0]
    with pytest.raises(SpliceError, match="no concept 'cat'"):
        CODES.to_dataframe(["cat"])


def test_parquet_and_datasets_hold_the_same(tmp_path):
    CODES.to_parquet(tmp_path / "new" / "codes.parquet", IDS)
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "new" / "codes.parquet").astype({"sample_id": str, "concept": str}),
        CODES.to_dataframe(sample_ids=IDS).astype({"sample_id": str, "concept": str}),
    )
    dataset = CODES.to_dataset(IDS)
    assert dataset[0] == {"sample_id": "one.jpg", "concepts": ["grass", "a <b>"], "codes": [0.5, 0.25]}
    assert dataset[1] == {"sample_id": "two.jpg", "concepts": [], "codes": []}
    found = dataset.filter(lambda row: "grass" in row["concepts"] and "dog" not in row["concepts"])
    assert found["sample_id"] == ["one.jpg"]


def test_as_many_names_as_rows():
    with pytest.raises(ValueError, match="2 sample ids for 3 rows"):
        CODES.to_dataframe(sample_ids=IDS[:2])


def test_what_a_notebook_shows():
    assert repr(CODES) == "Codes(3 rows over 4 concepts, 1.3 active per row)"
    assert "<td>grass 0.50, a &lt;b&gt; 0.25</td>" in CODES._repr_html_()
    unnamed = Codes.from_dense(torch.ones(1, 2))
    assert "0 1.00, 1 1.00" in unnamed._repr_html_()
    assert repr(Codes.from_dense(torch.zeros(0, 2))) == "Codes(0 rows over 2 concepts, none active per row)"


def test_a_million_rows_are_asked_without_a_dense_matrix():
    """10,000 concepts: dense, these rows would take 40 GB."""
    rows, active = 1_000_000, 4
    indices = torch.arange(rows * active) % 10_000
    indptr = torch.arange(0, rows * active + 1, active)
    names = tuple(f"c{index}" for index in range(10_000))
    codes = Codes(indptr, indices, torch.ones(rows * active), 10_000, names)
    found = codes.to_dataframe(["c0", "c9"]).query("c0 > .1 and c9 == 0")
    assert len(found) == rows * active // 10_000
