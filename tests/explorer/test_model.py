"""What the explorer knows of a model and its data, and what it refuses."""

import pytest
import torch
from PIL import Image

from splice_exp.core.errors import SpliceError
from splice_exp.explorer.bars import bars_of, fit_of
from splice_exp.explorer.model import NO_TOWER, load
from splice_exp.explorer.settings import spelled_out
from tests.explorer.models import embeddings_of, explorer


def test_codes_of_a_sample_are_those_of_the_study():
    model = explorer()
    seen = model.sample(3)
    found = model.decompose(seen, 0.25)
    own = model.study.decomposition.codes.select(torch.tensor([3]))
    torch.testing.assert_close(found.codes.dense(), own.dense(), atol=1e-4, rtol=0)
    assert seen.name == model.study.embeddings.sample_ids[3]
    assert seen.image.size == (84, 84)


def test_bars_are_ordered_and_know_the_truth():
    model = explorer()
    seen = model.sample(0)
    bars = bars_of(model.decompose(seen, 0.1), model.study.truth, 0)
    assert [one.code for one in bars] == sorted((one.code for one in bars), reverse=True)
    assert {"true", "false"} <= {one.verdict for one in bars}
    truth = model.study.truth
    for one in bars:
        assert (one.verdict == "true") == truth.holds(truth.named(one.concept), 0)
    assert {one.verdict for one in bars_of(model.decompose(seen, 0.1), truth, None)} == {""}


def test_the_fit_gets_better_as_the_penalty_falls():
    model = explorer()
    seen = model.sample(1)
    fits = [fit_of(model, seen, model.decompose(seen, penalty)) for penalty in (0.4, 0.2, 0.1)]
    assert [one.l0 for one in fits] == sorted(one.l0 for one in fits)
    assert fits[0].centred < fits[1].centred < fits[2].centred
    assert all(one.duality_gap < 1e-6 for one in fits)
    assert len({one.mean_only for one in fits}) == 1


def test_a_file_is_what_the_sample_of_its_pixels_is(tmp_path):
    model = explorer()
    model.image(2).save(tmp_path / "copy.png")
    seen = model.photo(tmp_path / "copy.png")
    assert seen.row is None
    assert seen.name == "copy.png"
    torch.testing.assert_close(seen.features, model.sample(2).features, atol=1e-5, rtol=0)


def test_a_file_that_is_no_image_is_refused(tmp_path):
    (tmp_path / "evil.png").write_text("<script>alert(1)</script>")
    with pytest.raises(SpliceError, match="cannot be read as an image"):
        explorer().photo(tmp_path / "evil.png")


def test_samples_go_by_number_and_by_name():
    model = explorer()
    name = model.study.embeddings.sample_ids[7]
    assert model.row_named(" 7 ") == model.row_named(name) == 7
    with pytest.raises(SpliceError, match="There is no sample '40': write its name, or its number, 0 to 39"):
        model.row_named("40")
    with pytest.raises(SpliceError, match="sample is 40"):
        model.sample(40)


def test_a_file_of_embeddings_has_bars_and_no_images(embedding_files, tmp_path):
    model = embeddings_of(embedding_files)
    assert not model.has_images
    assert not model.has_tower
    seen = model.sample(0)
    assert seen.image is None
    assert bars_of(model.decompose(seen, 0.2))[0].concept == "cat"
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(SpliceError) as refused:
        model.photo(tmp_path / "a.png")
    assert str(refused.value) == NO_TOWER


def test_defaults_give_way():
    assert spelled_out([])[0] == "data=scenes"
    assert "removal=mean" not in spelled_out(["removal=blur"])
    assert spelled_out(["data=pictures"]).count("data=scenes") == 0


def test_what_does_not_compose_is_a_sentence():
    with pytest.raises(SpliceError, match="solver=lasso: "):
        load(["solver=lasso"])
