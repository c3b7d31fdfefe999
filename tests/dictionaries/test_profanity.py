"""What is profane is found within a name, and what images show is left alone."""

import pytest

from splice_exp.dictionaries.profanity import is_profane


@pytest.mark.parametrize("name", ["bastard", "hand job", "Sh1t", "a bitch", "fuuuck"])
def test_profane_words_are_found(name):
    assert is_profane(name)


@pytest.mark.parametrize(
    "name", ["flower pot", "film strip", "god", "vodka", "murder", "cockpit", "blue tit", "grass", "café", ""]
)
def test_what_images_show_is_not_profane(name):
    assert not is_profane(name)
