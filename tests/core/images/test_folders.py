"""Folders of images: behind links, without what systems leave beside them, and for ever around no circle."""

import os

import pytest

from splice_exp.core.errors import SpliceError
from splice_exp.core.images.folders import image_files
from tests.data.layouts import write_image

CLUTTER = (
    *("._1.png", ".DS_Store", "Thumbs.db", "desktop.ini", ".hidden.png", "notes.txt"),
    *(".ipynb_checkpoints/1-checkpoint.png", "__MACOSX/cat/1.png", "@eaDir/1.png", ".Trash-0/files/1.png"),
)


def names(folder, **options):
    return [file.relative_to(folder).as_posix() for file in image_files(folder, **options)]


@pytest.fixture
def folder(tmp_path):
    for number, name in enumerate(("cat/1.png", "cat/deep/2.JPG", "dog/1.png")):
        write_image(tmp_path / "root" / name, number)
    return tmp_path / "root"


def test_what_systems_leave_does_not_count(folder):
    before = names(folder)
    assert before == ["cat/1.png", "cat/deep/2.JPG", "dog/1.png"]
    for place in (folder, folder / "cat", folder / "cat" / "deep"):
        for name in CLUTTER:
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"\x00\x05\x16\x07")
    assert names(folder) == before
    assert names(folder, deep=False) == []


def test_a_hidden_folder_that_someone_names_is_read(folder, tmp_path):
    folder.rename(tmp_path / ".cache")
    assert len(names(tmp_path / ".cache")) == 3


def test_links_are_followed_and_circles_are_not(folder, tmp_path, caplog):
    write_image(tmp_path / "elsewhere" / "3.png", 3)
    (folder / "bird").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (folder / "wolf").symlink_to("dog", target_is_directory=True)  # a folder may have two names
    (folder / "dog" / "4.png").symlink_to(tmp_path / "elsewhere" / "3.png")
    (folder / "cat" / "again").symlink_to(folder, target_is_directory=True)
    (tmp_path / "elsewhere" / "self").symlink_to(".", target_is_directory=True)
    expected = ["bird/3.png", "cat/1.png", "cat/deep/2.JPG", "dog/1.png", "dog/4.png", "wolf/1.png", "wolf/4.png"]
    assert names(folder) == expected
    assert f"{folder / 'cat' / 'again'} is a link to a folder that it lies in" in caplog.text


def test_a_link_to_nothing_is_not_passed_over(folder):
    (folder / "cat" / "gone.png").symlink_to("nowhere.png")
    assert "cat/gone.png" in names(folder)


def test_a_pipe_is_no_image(folder):
    os.mkfifo(folder / "cat" / "pipe.png")
    assert "cat/pipe.png" not in names(folder)


def test_images_of_formats_that_are_not_read_are_mentioned(folder, caplog):
    (folder / "cat" / "5.HEIC").write_bytes(b"")
    assert len(names(folder)) == 3
    assert f"1 images of {folder} are of formats that are not read: cat/5.HEIC" in caplog.text


def test_a_folder_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(SpliceError, match=r"^The folder .*nowhere cannot be read \(No such file"):
        image_files(tmp_path / "nowhere")
