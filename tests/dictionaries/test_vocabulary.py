import hashlib
import logging
import urllib.error

import pytest

from splice_exp.backbones.planted import PlantedBackbone
from splice_exp.backbones.precomputed import PrecomputedBackbone
from splice_exp.configuration import CONFIG_DIRECTORY
from splice_exp.core.errors import SpliceError
from splice_exp.dictionaries import vocabulary as module
from splice_exp.dictionaries.vocabulary import (
    BY_NAME,
    PUBLISHED_SHA256,
    BankVocabulary,
    FileVocabulary,
    PublishedVocabulary,
    vocabulary_named,
)

BACKBONE = PlantedBackbone()


def listed(tmp_path, content, **arguments):
    path = tmp_path / "list.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return FileVocabulary(str(path), **arguments).load(BACKBONE)


def test_the_last_names_are_the_most_frequent(tmp_path):
    names = "rare\nuncommon\nusual\nfrequent\n"
    assert listed(tmp_path, names).concepts == ("rare", "uncommon", "usual", "frequent")
    assert listed(tmp_path, names, size=2).concepts == ("usual", "frequent")
    assert listed(tmp_path, names, size=99).provenance["size"] == 4


def test_bigrams_are_counted_apart(tmp_path):
    names = "polar bear\nhot dog\nice cream\nbear\ndog\n"
    with pytest.warns(UserWarning, match=r"^size is 2: the list has its 3 names of several words first, so that 0 of"):
        assert listed(tmp_path, names, size=2).concepts == ("bear", "dog")  # one count for all drops every bigram
    assert listed(tmp_path, names, size=1, bigram_size=2).concepts == ("hot dog", "ice cream", "dog")
    assert listed(tmp_path, names, bigram_size=1).concepts == ("ice cream", "bear", "dog")


def test_flawed_lines_are_reported_by_number_and_left_out(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        found = listed(tmp_path, "\ufeffant\n\nbee\nant\n  \ncow\r\n")
    assert found.concepts == ("ant", "bee", "cow")
    reported = "\n".join(record.getMessage() for record in caplog.records)
    assert "line 2, 5 left out: blank" in reported
    assert "line 4 left out: repeated" in reported
    with pytest.raises(SpliceError, match=r"^path: line 2 of .*list\.txt is not UTF-8"):
        listed(tmp_path, b"ant\n\xff\xfe\nbee\n")


def test_excluded_names_make_room_for_others(tmp_path):
    assert listed(tmp_path, "ant\nbee\ncow\n", size=2, exclude=["bee"]).concepts == ("ant", "cow")
    with pytest.raises(SpliceError, match=r"^exclude names 'bees'.*\(nearest: 'bee'\)"):
        listed(tmp_path, "ant\nbee\n", exclude=["bees"])


@pytest.mark.parametrize("content", ["", "\n\n  \n"])
def test_an_empty_vocabulary_is_an_error(tmp_path, content):
    with pytest.raises(SpliceError, match="is empty"):
        listed(tmp_path, content)


def test_excluding_everything_is_an_error(tmp_path):
    with pytest.raises(SpliceError, match="is empty"):
        listed(tmp_path, "ant\n", exclude=["ant"])


@pytest.mark.parametrize("arguments", [{"size": 0}, {"size": -3}, {"bigram_size": 0}])
def test_sizes_are_checked(tmp_path, arguments):
    with pytest.raises(SpliceError, match=r"^(bigram_)?size is"):
        listed(tmp_path, "ant\n", **arguments)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SpliceError, match=r"^path is .*nowhere\.txt"):
        FileVocabulary(str(tmp_path / "nowhere.txt")).load(BACKBONE)


def test_a_bank_is_a_vocabulary(embedding_files):
    bank = PrecomputedBackbone(str(embedding_files["T"]))
    assert BankVocabulary().load(bank).concepts == bank.known_texts
    assert BankVocabulary(size=2, exclude=["car"]).load(bank).concepts == ("grass", "tree")


def test_a_published_list_is_checked(tmp_path, monkeypatch):
    path = tmp_path / "laion.txt"
    path.write_text("ant\nbee\n")
    with pytest.raises(SpliceError, match=r"laion\.txt has SHA-256 .* but the published list has"):
        PublishedVocabulary("laion", str(tmp_path)).load(BACKBONE)
    monkeypatch.setitem(module.PUBLISHED_SHA256, "laion", module.file_sha256(path))
    assert PublishedVocabulary("laion", str(tmp_path), size=1).load(BACKBONE).concepts == ("bee",)


def test_offline_says_which_file_to_put_where(tmp_path, monkeypatch):
    def unreachable(*_, **__):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(module.urllib.request, "urlopen", unreachable)
    with pytest.raises(SpliceError, match=r"mscoco\.txt is not there and https://.*no network.*put the file there"):
        PublishedVocabulary("mscoco", str(tmp_path)).load(BACKBONE)
    assert not list(tmp_path.iterdir())


def test_a_download_is_kept_and_checked(tmp_path, monkeypatch):
    import io

    calls = []
    monkeypatch.setattr(module.urllib.request, "urlopen", lambda url, **_: calls.append(url) or io.BytesIO(b"ant\n"))
    with pytest.raises(SpliceError, match="SHA-256"):
        PublishedVocabulary("laion", str(tmp_path)).load(BACKBONE)
    assert calls == [module.PUBLISHED_URL.format(name="laion")]
    assert not list(tmp_path.iterdir())  # what is not the published list does not stay
    monkeypatch.setitem(module.PUBLISHED_SHA256, "laion", hashlib.sha256(b"ant\n").hexdigest())
    for _ in range(2):
        assert PublishedVocabulary("laion", str(tmp_path)).load(BACKBONE).concepts == ("ant",)
    assert len(calls) == 2  # the second time it is there


def test_only_published_lists_have_names():
    with pytest.raises(SpliceError, match=r"^list_name is 'coco'.*laion, laion_bigrams, mscoco"):
        PublishedVocabulary("coco", "cache")


@pytest.mark.parametrize(("name", "lines"), [("laion", 37_445), ("laion_bigrams", 15_000), ("mscoco", 12_832)])
def test_the_published_lists_are_the_pinned_ones(real_data, name, lines):
    assert len(PublishedVocabulary(name, str(real_data / "vocab")).load(BACKBONE).concepts) == lines


def test_the_published_indices_by_name(real_data):
    concepts = PublishedVocabulary("laion", str(real_data / "vocab"), size=10_000).load(BACKBONE).concepts
    assert [concepts[i] for i in (2757, 9195, 9288, 1661)] == ["eyewear", "sunglasses", "glasses", "visor"]
    both = PublishedVocabulary("laion_bigrams", str(real_data / "vocab"), size=9_999, bigram_size=5_000)
    concepts = both.load(BACKBONE).concepts
    assert sum(" " in name for name in concepts) == 5_000
    assert "swimwear" not in concepts
    assert "hot dog" in concepts


def test_a_vocabulary_may_be_a_name_a_file_or_names(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("ant\nbee\ncow\n")
    assert vocabulary_named(path, 2).load(BACKBONE).concepts == ("bee", "cow")
    assert vocabulary_named(["ant", "bee", "ant"]).load(BACKBONE).concepts == ("ant", "bee")
    assert len(vocabulary_named("scenes", 10).load(BACKBONE).concepts) == 10
    assert isinstance(vocabulary_named("laion", 10000), PublishedVocabulary)


def test_names_of_vocabularies_are_those_of_the_configuration():
    own = {path.stem for path in (CONFIG_DIRECTORY / "vocabulary").glob("*.yaml")}
    assert own - {"bank", "file"} == {*PUBLISHED_SHA256, *BY_NAME}


def test_a_name_that_is_none_is_refused_with_all_that_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpliceError, match=r"^vocabulary is 'lion', but must be one of laion, laion_bigrams, mscoco, "):
        vocabulary_named("lion")
    with pytest.raises(
        SpliceError, match=r"no data/lexicons/conceptnet\.txt: python -m splice_exp build-lexicon conceptnet"
    ):
        vocabulary_named("conceptnet")
