"""Maps: of concepts that are there, in seconds, and refused where there is nothing to look at."""

import pytest

from splice_exp.core.errors import SpliceError
from splice_exp.data.scenes.pairs import ScenePairs
from splice_exp.explorer.maps import FEWEST, explain, method_within, overlay, prompt_of
from splice_exp.explorer.model import NO_TOWER
from tests.explorer.models import embeddings_of, explorer


def test_a_map_speaks_for_its_corpus_and_against_its_foil(tmp_path):
    pictures = ScenePairs(1)
    first, second = pictures.regions(0)
    pictures.inputs(0, 1)[0].save(tmp_path / "pair.png")
    model = explorer()
    seen = model.photo(tmp_path / "pair.png")
    found = explain(model, seen, prompt_of(first), prompt_of(second))
    row, column = divmod(int(found.maps[0].argmax()), found.maps.shape[2])
    assert pictures.regions(0)[first][row, column]
    against = explain(model, seen, prompt_of(second), prompt_of(first))
    assert float((found.maps + against.maps).abs().max()) < 1e-4
    image = overlay(found)
    assert image.size == (336, 336)
    red, _, blue = image.getpixel((int(336 * column / 84), int(336 * row / 84)))
    assert red > blue


def test_without_a_foil_all_concepts_are_one():
    model = explorer()
    found = explain(model, model.sample(0), "a photo of a star")
    assert found.target == "a photo of a star rather than all concepts"


def test_masks_are_as_many_as_can_be_afforded():
    model = explorer()
    few, many = method_within(model, 1e-6), method_within(model, 1e6)
    assert few.num_masks == FEWEST
    assert many.num_masks == model.method.num_masks == 800
    assert method_within(model, 0.5).num_masks % 4 == 0


def test_what_cannot_be_explained_is_refused(embedding_files):
    with pytest.raises(SpliceError) as refused:
        model = embeddings_of(embedding_files)
        explain(model, model.sample(0), "cat")
    assert str(refused.value) == NO_TOWER
    with pytest.raises(SpliceError, match="The corpus is empty"):
        explain(explorer(), explorer().sample(0), "  ")
