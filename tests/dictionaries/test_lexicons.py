"""Names of ConceptNet and WordNet, from small files of their layout: counted, filtered, and profanity is said."""

import gzip
import json

import nltk
import pytest

from splice_exp.backbones.planted import PlantedBackbone
from splice_exp.commands import run_command
from splice_exp.core.errors import SpliceError
from splice_exp.dictionaries.conceptnet import count_nodes
from splice_exp.dictionaries.lexicon import Filters, build_lexicon
from splice_exp.dictionaries.vocabulary import FileVocabulary
from splice_exp.dictionaries.wordnet import count_lemmas

ASSERTIONS = [
    ("IsA", "/c/en/polar_bear/n/wn/animal", "/c/en/bear"),
    ("IsA", "/c/en/polar_bear", "/c/en/animal/n"),
    ("Synonym", "/c/de/bär/n", "/c/en/bear/n"),
    ("Synonym", "/c/fr/ours", "/c/de/bär"),
    ("RelatedTo", "/c/en/bear", "/c/en/bear/v"),  # once, though at both ends
    ("ExternalURL", "/c/en/bear", "http://example.org/bear"),
    ("RelatedTo", "/c/en/8º", "/c/en/hand_job"),
    ("RelatedTo", "/c/en/a", "/c/en/one_two_three_four_five"),
    ("RelatedTo", "/c/en/caf%C3%A9", "/c/en/animal"),
]


@pytest.fixture
def assertions(tmp_path):
    path = tmp_path / "conceptnet-assertions.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for relation, start, end in ASSERTIONS:
            edge = f"/a/[/r/{relation}/,{start}/,{end}/]"
            file.write("\t".join([edge, f"/r/{relation}", start, end, json.dumps({"weight": 1.0})]) + "\n")
    return path


def test_nodes_of_a_language_are_counted_by_assertions(assertions):
    counts, source = count_nodes(assertions)
    assert counts["bear"] == 3
    assert counts["polar bear"] == counts["animal"] == 2
    assert counts["café"] == 1
    assert "bär" not in counts
    assert source == {"assertions": 9, "of_language": 7, "language": "en"}
    assert count_nodes(assertions, "de")[0] == {"bär": 2}


def test_names_are_filtered_and_profanity_is_said(assertions):
    counts, _ = count_nodes(assertions)
    names, provenance = build_lexicon(counts, Filters())
    assert names == ["café", "hand job", "animal", "polar bear", "bear"]  # ascending, ties by the alphabet
    assert provenance["profane"] == ["hand job"]
    assert provenance["refused"] == {"not written in letters": 1, "too many words": 1, "too short": 1}
    names, provenance = build_lexicon(counts, Filters(min_count=2, profanity="drop", max_words=1))
    assert names == ["animal", "bear"]
    assert provenance["profane"] == []  # it is rare before it is profane
    dropped, provenance = build_lexicon(counts, Filters(profanity="drop"))
    assert "hand job" not in dropped
    assert (provenance["profane"], provenance["refused"]["profane"]) == (["hand job"], 1)
    with pytest.raises(SpliceError, match="No name is left of"):
        build_lexicon(counts, Filters(min_count=100))
    with pytest.raises(SpliceError, match="--profanity is 'hide', but must be one of: flag, drop"):
        Filters(profanity="hide")


def test_what_is_no_file_of_assertions_is_refused(tmp_path, assertions):
    for name, content in (("list.csv", "bear\npolar bear\n"), ("table.csv", "a\tb\t/c/en/x\td\te\n")):
        (tmp_path / name).write_text(content)
        with pytest.raises(SpliceError, match=r"line 1, is no assertion of ConceptNet"):
            count_nodes(tmp_path / name)
    whole = gzip.decompress(assertions.read_bytes())
    (tmp_path / "broken.csv").write_bytes(whole + b"broken\n")
    with pytest.raises(SpliceError, match="line 10, is no assertion"):
        count_nodes(tmp_path / "broken.csv")
    (tmp_path / "cut.csv.gz").write_bytes(assertions.read_bytes()[:-20])
    with pytest.raises(SpliceError, match="cannot be read as assertions"):
        count_nodes(tmp_path / "cut.csv.gz")
    with pytest.raises(SpliceError, match="no assertion about names in 'xx'"):
        count_nodes(assertions, "xx")


@pytest.fixture
def wordnet(tmp_path, monkeypatch):
    """Write a WordNet of three nouns and an adjective, laid out as Princeton's, where nltk looks for its data."""
    folder = tmp_path / "corpora" / "wordnet"
    folder.mkdir(parents=True)
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    senses = {
        "noun": [("05", "n", ["bear"], 3), ("05", "n", ["polar_bear", "Ursus_maritimus"], 0), ("05", "n", ["bear"], 1)],
        "adj": [("00", "a", ["red"], 2)],
    }
    counted = []
    for part in ("noun", "verb", "adj", "adv"):
        head = "  1 WordNet 3.0 Copyright 2006 by Princeton University.\n"
        data, index = head, {}
        for number, letter, words, count in senses.get(part, []):
            offset = len(data)
            listed = " ".join(f"{word} {len(index.get(word.lower(), []))}" for word in words)
            data += f"{offset:08d} {number} {letter} {len(words):02x} {listed} 000 | a gloss  \n"
            for word in words:
                index.setdefault(word.lower(), []).append(offset)
            if count:
                place, kind = len(index[words[0].lower()]), {"n": 1, "a": 3}[letter]
                counted.append(f"{words[0].lower()}%{kind}:{number}:{place - 1:02d}:: {place} {count}\n")
        lines = [
            f"{word} {part[0]} {len(offsets)} 0 {len(offsets)} 0 {' '.join(f'{offset:08d}' for offset in offsets)}  \n"
            for word, offsets in sorted(index.items())
        ]
        (folder / f"data.{part}").write_text(data)
        (folder / f"index.{part}").write_text(head + "".join(lines))
        (folder / f"{part}.exc").write_text("")
    (folder / "lexnames").write_text("00\tadj.all\t3\n" + "".join(f"{n:02d}\tnoun.x{n}\t1\n" for n in range(1, 6)))
    (folder / "index.sense").write_text("")
    (folder / "cntlist.rev").write_text("".join(sorted(counted)))


@pytest.mark.usefixtures("wordnet")
def test_lemmas_of_wordnet_are_counted_by_their_tags(tmp_path, monkeypatch):
    counts, source = count_lemmas(("noun",))
    assert set(counts) == {"bear", "polar bear", "ursus maritimus"}
    assert counts["bear"] == 1 + 3 + 1
    assert counts["polar bear"] == counts["ursus maritimus"] == 1
    assert source == {"wordnet": "3.0", "parts": ["noun"]}
    assert "red" in count_lemmas(("noun", "adjective"))[0]
    with pytest.raises(SpliceError, match="--parts is 'pronoun'"):
        count_lemmas(("pronoun",))
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path / "nowhere")])
    with pytest.raises(SpliceError, match="WordNet is not among nltk's data"):
        count_lemmas()


@pytest.mark.usefixtures("wordnet")
def test_the_script_writes_a_vocabulary(tmp_path, assertions, monkeypatch, capsys):
    output = tmp_path / "lexicons" / "conceptnet.txt"

    def run(*arguments):
        run_command("build-lexicon", [str(word) for word in arguments])

    run("conceptnet", assertions, "--output", output, "--profanity", "drop")
    assert "4 names" in capsys.readouterr().out
    vocabulary = FileVocabulary(str(output)).load(PlantedBackbone())
    assert vocabulary.concepts == ("café", "animal", "polar bear", "bear")
    provenance = json.loads(output.with_suffix(".json").read_text())
    assert provenance["source"]["file"] == assertions.name
    assert provenance["profane"] == ["hand job"]
    run("wordnet", "--parts", "noun", "adjective", "--output", output)
    assert FileVocabulary(str(output)).load(PlantedBackbone()).concepts[-1] == "bear"
    with pytest.raises(
        SystemExit, match="error: .*nowhere.csv is not there: fetch https://.*/conceptnet-assertions-5.7.0.csv.gz"
    ):
        run("conceptnet", tmp_path / "nowhere.csv", "--output", output)
