import open_clip

from splice_exp.backbones.byte_pairs import learn_merges, write_merges

WORDS = {"star": 9, "stars": 5, "start": 2, "heart": 7, "a": 20, "naïve": 3}


def tokenizer(path, merges):
    write_merges(path, merges)
    return open_clip.SimpleTokenizer(str(path), context_length=12)


def test_every_word_becomes_one_token(tmp_path):
    read = tokenizer(tmp_path / "merges.txt.gz", learn_merges(WORDS, 1000))
    assert all(len(read.encode(word)) == 1 for word in WORDS)
    assert len({read.encode(word)[0] for word in WORDS}) == len(WORDS)


def test_any_text_has_tokens_and_comes_back(tmp_path):
    read = tokenizer(tmp_path / "merges.txt.gz", learn_merges(WORDS, 4))
    for text in ("star", "zebra crossing 42", "ночь", "日本", "🦓"):
        tokens = read.encode(text)
        assert tokens
        assert read.decode(tokens).replace(" ", "") == text.replace(" ", "")
        assert int(read([text]).max()) == read.eot_token_id  # CLIP reads the text out at its largest token


def test_the_most_frequent_pair_merges_first():
    assert learn_merges({"ab": 3, "cd": 5}, 1) == [("c", "d</w>")]
    assert learn_merges({"ab": 3}, 10) == [("a", "b</w>")]


def test_the_same_merges_are_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_merges(tmp_path / name, learn_merges(WORDS, 50))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
