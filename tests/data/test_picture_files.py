"""Your own images: files and folders, each image once, and plain words where there is none."""

import pytest
from PIL import Image

from splice_exp.core.errors import SpliceError
from splice_exp.data.picture_files import PictureFiles
from splice_exp.data.presence.named_files import require_images


@pytest.fixture
def folder(tmp_path):
    for number, name in enumerate(("b.png", "a.jpg", "notes.txt")):
        path = tmp_path / "holidays" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("no picture") if path.suffix == ".txt" else Image.new("RGB", (4, 3 + number)).save(path)
    return tmp_path / "holidays"


def test_files_and_folders_in_order_and_each_once(folder):
    data = PictureFiles([str(folder / "b.png"), str(folder)])
    assert [name.rsplit("/", 1)[-1] for name in data.sample_ids] == ["b.png", "a.jpg"]
    assert [image.size for image in data.inputs(0, 2)] == [(4, 3), (4, 4)]
    assert data.labels is None
    other = PictureFiles([str(folder)])
    assert other.fingerprint() != data.fingerprint()  # another order is another data set


@pytest.mark.parametrize(
    ("name", "message"),
    [("none.png", "there is no such file or folder"), ("notes.txt", "which is no image"), ("empty", "holds no image")],
)
def test_what_is_no_picture_is_refused(folder, name, message):
    (folder / "empty").mkdir()
    with pytest.raises(SpliceError, match=message):
        PictureFiles([str(folder / name)])
    with pytest.raises(SpliceError, match="^paths is empty"):
        PictureFiles([])


def test_a_folder_of_class_folders_is_told_how_to_go_on(tmp_path):
    for name in ("left", "right"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (8, 8)).save(tmp_path / name / "a.png")
    (tmp_path / "notes").mkdir()
    with pytest.raises(SpliceError, match=r"holds no images .*; its folders left, right do: name these, or set data="):
        require_images("paths", str(tmp_path))
    with pytest.raises(SpliceError, match=r"holds no images \([^)]*\)\.$"):
        require_images("paths", str(tmp_path / "notes"))
