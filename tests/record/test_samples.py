"""The table of samples shows the very samples that were decomposed."""

import numpy as np
import torch
from PIL import Image

from splice_exp.core.codes import Codes
from splice_exp.data.planted import Planted
from splice_exp.data.scenes.plain import Scenes
from splice_exp.record.samples import first_samples

VALUES = torch.tensor([[0.0, 0.5, 0.25], [0.75, 0.0, 0.0], [0.0, 0.0, 0.125]])
CODES = Codes.from_dense(VALUES, ("red", "star", "dog"))


def test_rows_are_the_samples_that_were_kept():
    data = Scenes(5)
    kept = tuple(data.sample_ids[place] for place in (4, 1, 2))
    truth = data.truth().select([4, 1, 2])
    table = first_samples(data, CODES, kept, truth, 2).table()
    assert list(table) == ["sample_id", "image", "concepts", "caption", "in the image"]
    assert table["sample_id"].tolist() == list(kept[:2])
    assert table["concepts"].tolist() == ["star 0.50, dog 0.25", "red 0.75"]
    assert table["caption"].tolist() == [data.captions()[4][0], data.captions()[1][0]]
    for row, place in enumerate((4, 1)):
        assert isinstance(table["image"][row], Image.Image)
        assert np.array_equal(table["image"][row], data.inputs(place, place + 1)[0])
        assert set(table["in the image"][row].split(", ")) == data.truth().concepts(place)


def test_a_part_of_them():
    data = Scenes(5)
    shown = first_samples(data, CODES, data.sample_ids[:3], None, 3)
    assert shown.head(2).table().equals(shown.table().head(2))
    assert list(shown.table()) == ["sample_id", "image", "concepts", "caption"]
    assert len(shown.head(9).images) == 3


def test_samples_that_are_no_pictures_are_not_shown():
    data = Planted(3, ["star", "cup"], ["red", "blue"], ["snow"])
    assert first_samples(data, CODES, data.sample_ids, None, 3) is None
