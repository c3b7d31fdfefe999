"""What is published names files, not where they lie."""

import pytest

from splice_exp.core.text.places import distinct_names, without_places


@pytest.mark.parametrize(
    ("written", "published"),
    [
        ("data.root=/home/me/zoo", "data.root=zoo"),
        ("data.root=/home/me/zoo/", "data.root=zoo"),
        ("data.root=~/zoo", "data.root=zoo"),
        ("data.root=../../me/zoo", "data.root=zoo"),
        ("data.paths=[/home/me/a.png, /tmp/b.png]", "data.paths=[a.png, b.png]"),
        ("data.paths=['/home/me, you/a.png']", "data.paths=['a.png']"),
        ('data.root="/home/me/my zoo"', 'data.root="my zoo"'),
        (r"data.root=C:\Users\me\zoo", "data.root=zoo"),
        (r"data.root=\\server\me\zoo", "data.root=zoo"),
        ("backbone.model=local-dir:/home/me/clip", "backbone.model=local-dir:clip"),
        ("data.root=file:///home/me/zoo", "data.root=file:zoo"),
        ("data.root=/home/me/a,/home/me/b", "data.root=a,b"),
        ("data={root:/home/me/zoo}", "data={root:zoo}"),
        ("judge.url=https://host/v1/x", "judge.url=https://host/v1/x"),
        ("data.root=zoo/train", "data.root=zoo/train"),
        ("texts=['a cat / a dog']", "texts=['a cat / a dog']"),
        ("root=/", "root=/"),
    ],
)
def test_words_of_a_command_are_published_by_names(written, published):
    assert without_places(written) == published


def test_values_keep_their_kind():
    assert without_places({"a": [1, None, "/x/y.npy"], "b": {"c": True}}) == {"a": [1, None, "y.npy"], "b": {"c": True}}


def test_the_same_name_in_two_folders_takes_one_part_more():
    assert distinct_names(["/x/me/a/0.png", "/x/me/b/0.png"]) == ["a/0.png", "b/0.png"]
    assert distinct_names(["0.png", "a/0.png"]) == ["0.png", "a/0.png"]
    assert distinct_names(["/x/0.png", "/x/0.png"]) == ["0.png", "0.png"]
    assert distinct_names(["/x/me/0.png", "/x/me/./0.png"]) == ["0.png", "0.png"]  # the same file
    assert distinct_names([]) == []
