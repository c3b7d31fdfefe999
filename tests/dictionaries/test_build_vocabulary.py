import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from splice_exp.backbones.planted import PlantedBackbone
from splice_exp.commands import run_command
from splice_exp.core.assets import ASSETS
from splice_exp.core.errors import SpliceError
from splice_exp.dictionaries.build_vocabulary import Choices, build_vocabulary
from splice_exp.dictionaries.phrases import count_phrases, words_of
from splice_exp.dictionaries.prune import is_sum_of_parts, prune_similar
from tests.conftest import unit_rows

CAPTIONS = [*["a red star on the grass"] * 6, *["red star, blue heart"] * 4, *["the bastard truth"] * 9, "a rare zebra"]


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("A T-shirt, don't!", ["a", "t-shirt", None, "don't"]),
        ("2 red stars", [None, "red", "stars"]),
        ("élan vital", ["élan", "vital"]),
        ("snake_case", ["snake", None, "case"]),
        ("", []),
        ("42", []),
    ],
)
def test_captions_are_split_into_words(caption, words):
    assert words_of(caption) == words


def test_words_and_neighbours_are_counted_once_a_caption():
    counts = count_phrases(["red red star", "star, red", "red star"], {"stop word": lambda word: word == "blue"})
    assert counts.words == {"red": 3, "star": 3}
    assert counts.pairs == {"red red": 1, "red star": 2}
    assert counts.num_captions == 3


def test_refused_words_break_pairs_and_are_reported():
    counts = count_phrases(["star of hope", "star hope"], {"stop word": {"of"}.__contains__})
    assert counts.pairs == {"star hope": 1}
    assert counts.refused["stop word"] == {"of": 1}


def test_names_are_in_ascending_frequency_without_stop_words_and_profanity():
    names, provenance = build_vocabulary(CAPTIONS, Choices(min_count=4))
    assert names == ["blue", "blue heart", "heart", "grass", "truth", "red", "red star", "star"]
    assert provenance["captions"] == len(CAPTIONS)
    assert provenance["refused"] == {"stop word": 3, "profanity": 1, "profane pair": 0}
    assert provenance["kept"] == {"words": 6, "pairs": 2}
    assert provenance["pruned"] is None


def test_the_most_frequent_are_kept():
    names, _ = build_vocabulary(CAPTIONS, Choices(num_words=2, num_pairs=1, min_count=1))
    assert names == ["red", "red star", "star"]
    names, _ = build_vocabulary(CAPTIONS, Choices(min_count=1), extra_stop_words=["red"])
    assert "red star" not in names


def test_nothing_left_is_an_error():
    with pytest.raises(SpliceError, match="No name is left of 2 captions"):
        build_vocabulary(["a", "the"], Choices())


def test_nothing_left_is_an_error_with_a_backbone_too():
    with pytest.raises(SpliceError, match="No name is left"):
        build_vocabulary(["rare words"], Choices(min_count=2), PlantedBackbone())


def test_pairs_can_be_profane_where_their_words_are_not():
    names, provenance = build_vocabulary(["hand job well done"] * 3, Choices(min_count=1))
    assert names == ["hand", "job", "job well", "well"]
    assert provenance["refused"]["profane pair"] == 1


@pytest.mark.parametrize("wrong", [{"num_words": 0}, {"min_count": 0}, {"num_pairs": -1}])
def test_choices_are_checked(wrong):
    with pytest.raises(SpliceError, match=f"--{next(iter(wrong)).replace('_', '-')}"):
        Choices(**wrong)


@given(st.integers(1, 60), st.integers(2, 4), st.floats(0.0, 0.99), st.integers(0, 10))
def test_pruning_keeps_what_the_definition_keeps(rows, dim, max_cosine, seed):
    features = unit_rows(rows, dim, seed)
    kept = []
    for row in range(rows):
        if all(float(features[row] @ features[other]) <= max_cosine for other in kept):
            kept.append(row)
    assert prune_similar(features, max_cosine) == kept


def test_pruning_by_blocks_is_pruning(monkeypatch):
    features = unit_rows(50, 3, 0)
    whole = prune_similar(features, 0.8)
    monkeypatch.setattr("splice_exp.dictionaries.prune.BLOCK", 7)
    assert prune_similar(features, 0.8) == whole
    assert 1 < len(whole) < 50


def test_a_pair_that_is_the_sum_of_its_words_is_dropped():
    words = unit_rows(4, 16, 0)
    pairs = torch.stack([(words[0] + words[1]) / (words[0] + words[1]).norm(), unit_rows(1, 16, 9)[0]])
    assert is_sum_of_parts(pairs, words[[0, 2]], words[[1, 3]], 0.9) == [True, False]
    choices = Choices(min_count=4)
    without_meaning = PlantedBackbone(dim=256, gap=0.0, phrase=0.0)
    names, provenance = build_vocabulary(CAPTIONS, choices, without_meaning)
    assert not [name for name in names if " " in name]
    assert provenance["pruned"]["pairs"] == 2
    assert provenance["pruned"]["backbone"] == without_meaning.backbone_id
    names, _ = build_vocabulary(CAPTIONS, choices, PlantedBackbone(dim=256, gap=0.0, phrase=3.0))
    assert "red star" in names


def run_script(*arguments):
    run_command("build-vocabulary", [str(word) for word in arguments])


@pytest.mark.parametrize("layout", ["captions.txt", "captions.json", "captions.csv", "captions.tsv"])
def test_the_script_reads_every_layout(tmp_path, monkeypatch, layout):
    path, output = tmp_path / layout, tmp_path / "names.txt"
    texts = ["red star", "blue star"]
    path.write_text(
        {
            ".txt": "\n".join(texts),
            ".json": json.dumps({"annotations": [{"caption": text} for text in texts]}),
            ".csv": "\n".join(["id,caption", *(f"1,{text}" for text in texts)]),
            ".tsv": "\n".join(["caption\tid", *(f"{text}\t1" for text in texts)]),
        }[path.suffix]
    )
    run_script(path, "--output", output, "--min-count", 1, "--num-pairs", 0)
    assert output.read_text() == "blue\nred\nstar\n"
    provenance = json.loads(output.with_suffix(".json").read_text())
    assert provenance["sources"][0]["file"] == layout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--output", "x.txt"], "There are no captions"),
        (["nothing.txt", "--output", "x.txt"], "nothing.txt is not there"),
        (["wrong.json", "--output", "x.txt"], "wrong.json is not laid out like the captions of COCO"),
        (["wrong.csv", "--output", "x.txt"], "the columns id, text, but not 'caption'"),
    ],
)
def test_the_script_says_what_is_wrong(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    Path("wrong.json").write_text('{"annotations": [{"text": "a star"}]}')
    Path("wrong.csv").write_text("id,text\n1,a star\n")
    with pytest.raises(SystemExit, match=message):
        run_script(*arguments)


def test_the_vocabulary_of_the_world_is_what_its_command_makes(tmp_path, monkeypatch):
    shipped = ASSETS / "scenes_vocabulary.txt"
    options = ["--scenes", 4000, "--min-count", 10, "--num-pairs", 400]
    run_script(*options, "--output", tmp_path / "scenes_vocabulary.txt")
    for suffix in (".txt", ".json"):
        made = (tmp_path / "scenes_vocabulary.txt").with_suffix(suffix).read_text()
        assert made == shipped.with_suffix(suffix).read_text()
    names = shipped.read_text().splitlines()
    assert {"star", "crimson", "red star", "guitar", "photo"} <= set(names)
    assert 300 <= len(names) <= 1000
