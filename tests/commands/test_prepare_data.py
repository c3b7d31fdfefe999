"""The script that downloads, against a server on this machine: it goes on where it stopped, and checks what it gets."""

import hashlib
import io
import tarfile
import threading
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from datasets import Dataset, load_from_disk

from splice_exp.commands import prepare_data, run_command, torchvision_names
from splice_exp.core.errors import SpliceError
from splice_exp.data import nico, torchvision_sets
from splice_exp.data.image_table import ImageTable
from tests.data.layouts import write_nico

CONTENT = bytes(range(256)) * 400


class Server(ThreadingHTTPServer):
    """Serves `files`; of a file in `cut` it sends only so many bytes, once."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.cut, self.asked, self.ranges = {}, {}, [], True
        self.etag, self.says_size = None, True

    def url(self, name):
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.lstrip("/")
        content, wanted = self.server.files.get(name), self.headers.get("Range")
        self.server.asked.append((name, wanted))
        if content is None:
            self.send_error(404)
            return
        same = self.headers.get("If-Range", self.server.etag) == self.server.etag
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and same and self.server.ranges else 0
        if start >= len(content):
            self.send_response(416)
            if self.server.says_size:
                self.send_header("Content-Range", f"bytes */{len(content)}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if self.server.etag:
            self.send_header("ETag", self.server.etag)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : self.server.cut.pop(name, len(content))])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    running = Server()
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()


def md5(content):
    return hashlib.md5(content).hexdigest()


def test_a_file_is_fetched_and_checked(server, tmp_path):
    server.files["f.bin"] = CONTENT
    prepare_data.fetch(server.url("f.bin"), tmp_path / "deep" / "f.bin", md5(CONTENT))
    assert (tmp_path / "deep" / "f.bin").read_bytes() == CONTENT
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("ranges", [True, False])
def test_what_broke_off_goes_on(server, tmp_path, ranges):
    server.files["f.bin"], server.cut["f.bin"], server.ranges = CONTENT, 30_000, ranges
    with pytest.raises(SpliceError, match="broke off after 30,000 of 102,400 bytes.*run the same command to go on"):
        prepare_data.fetch(server.url("f.bin"), tmp_path / "f.bin", None)
    assert not (tmp_path / "f.bin").exists()
    prepare_data.fetch(server.url("f.bin"), tmp_path / "f.bin", md5(CONTENT))
    assert server.asked == [("f.bin", None), ("f.bin", "bytes=30000-")]
    assert (tmp_path / "f.bin").read_bytes() == CONTENT


def test_all_there_but_not_yet_renamed(server, tmp_path):
    server.files["f.bin"] = CONTENT
    (tmp_path / "f.bin.part").write_bytes(CONTENT)
    prepare_data.fetch(server.url("f.bin"), tmp_path / "f.bin", md5(CONTENT))
    assert (tmp_path / "f.bin").read_bytes() == CONTENT


def test_another_file_than_published_is_removed(server, tmp_path):
    server.files["f.bin"] = CONTENT[:-1] + b"!"
    with pytest.raises(SpliceError, match=f"should have {md5(CONTENT)}: it was removed"):
        prepare_data.fetch(server.url("f.bin"), tmp_path / "f.bin", md5(CONTENT))
    assert not list(tmp_path.iterdir())


def test_a_server_that_has_it_not_is_named(server, tmp_path):
    with pytest.raises(SpliceError, match=r"none\.bin cannot be fetched .*404"):
        prepare_data.fetch(server.url("none.bin"), tmp_path / "none.bin", None)


def test_a_file_without_a_published_checksum_is_known_by_that_of_the_first_download(server, tmp_path, capsys):
    server.files["f.bin"] = CONTENT
    prepare_data.fetch(server.url("f.bin"), tmp_path / "f.bin", None)
    found = hashlib.sha256(CONTENT).hexdigest()
    assert (tmp_path / "f.bin.sha256").read_text() == f"{found}\n"
    assert f"has SHA-256 {found}; none is published, so it is noted in" in capsys.readouterr().out
    (tmp_path / "f.bin").unlink()
    server.files["f.bin"] = CONTENT[:-1] + b"!"
    with pytest.raises(SpliceError, match=rf"should have {found}: it was removed, .* or remove .*f\.bin\.sha256 if"):
        prepare_data.fetch(server.url("f.bin"), tmp_path / "f.bin", None)
    assert not (tmp_path / "f.bin").exists()


@pytest.mark.parametrize("checksum", [None, md5(CONTENT), hashlib.sha256(CONTENT).hexdigest()])
@pytest.mark.parametrize("stale", [CONTENT + b"more", b"x" * len(CONTENT), b"x" * 100])
@pytest.mark.parametrize("says_size", [True, False])
def test_a_stale_part_is_never_taken_for_the_download(server, tmp_path, stale, checksum, says_size):
    server.files["f.bin"], server.says_size = CONTENT, says_size
    (tmp_path / "f.bin.part").write_bytes(stale)
    refused = []
    while not (tmp_path / "f.bin").exists():
        try:
            prepare_data.fetch(server.url("f.bin"), tmp_path / "f.bin", checksum)
        except SpliceError as error:
            refused.append(str(error))
    assert len(refused) <= (checksum is not None)
    assert all("it was removed, run the same command again" in reason for reason in refused)
    assert (tmp_path / "f.bin").read_bytes() == CONTENT
    assert not list(tmp_path.glob("*.part*"))


def test_a_file_that_was_replaced_meanwhile_is_fetched_from_its_beginning(server, tmp_path):
    server.files["f.bin"], server.cut["f.bin"], server.etag = b"y" * len(CONTENT), 30_000, '"one"'
    with pytest.raises(SpliceError, match="broke off"):
        prepare_data.fetch(server.url("f.bin"), tmp_path / "f.bin", None)
    server.files["f.bin"], server.etag = CONTENT, '"two"'
    prepare_data.fetch(server.url("f.bin"), tmp_path / "f.bin", None)
    assert (tmp_path / "f.bin").read_bytes() == CONTENT


def test_an_archive_that_was_put_there_is_checked_before_it_is_unpacked(server, tmp_path, monkeypatch):
    archive = zipped(val__b="jpg")
    archives = {"c": (prepare_data.Archive(server.url("c.zip"), md5(archive), "", "val"),)}
    monkeypatch.setattr(prepare_data, "ARCHIVES", archives)
    (tmp_path / "c.zip").write_bytes(zipped(val__b="something else"))
    with pytest.raises(SpliceError, match="c.zip has MD5 .*, but should have"):
        prepare_data.prepare_archives("c", tmp_path)
    assert not (tmp_path / "val").exists()


def test_every_archive_has_a_checksum_where_one_is_published():
    """Of Waterbirds and the splits of CoOp none is: they are known by the first download."""
    lacking = {
        archive.url.rsplit("/", 1)[1]
        for kind in prepare_data.ARCHIVES.values()
        for archive in kind
        if archive.checksum is None
    }
    assert lacking == {"metadata.csv", "split_coop.csv", "waterbird_complete95_forest2water2.tar.gz"}


def zipped(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/"), content)
    return buffer.getvalue()


def tarred(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def test_archives_are_unpacked_once(server, tmp_path, monkeypatch, capsys):
    table = b"img_filename,y,split,place\na.jpg,0,2,1\n"
    server.files = {"w.tar.gz": tarred({"w/metadata.csv": table, "w/a.jpg": b"jpg"}), "c.zip": zipped(val__b="jpg")}
    archives = {
        "both": (
            prepare_data.Archive(server.url("w.tar.gz"), None, "", "w/metadata.csv"),
            prepare_data.Archive(server.url("c.zip"), md5(server.files["c.zip"]), "coco", "val"),
        )
    }
    monkeypatch.setattr(prepare_data, "ARCHIVES", archives)
    for _ in range(2):
        prepare_data.prepare_archives("both", tmp_path)
    assert len(server.asked) == 2
    assert (tmp_path / "coco" / "val" / "b").read_text() == "jpg"
    left = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["a.jpg", "b", "metadata.csv", "w.tar.gz.sha256"]
    data = ImageTable(str(tmp_path / "w" / "metadata.csv"), None, "img_filename", "y", ["land", "water"], "split", 2)
    assert data.sample_ids == ("a.jpg",)
    assert "is there" in capsys.readouterr().out


def test_a_table_is_fetched_once_and_kept_as_it_is(server, tmp_path, monkeypatch):
    server.files["split.csv"] = b"filename,split\na.jpg,test\n"
    archives = {"e": (prepare_data.Archive(server.url("split.csv"), None, "eurosat", "split.csv"),)}
    monkeypatch.setattr(prepare_data, "ARCHIVES", archives)
    for _ in range(2):
        prepare_data.prepare_archives("e", tmp_path)
    assert len(server.asked) == 1
    assert (tmp_path / "eurosat" / "split.csv").read_bytes() == server.files["split.csv"]


def test_what_is_put_there_by_hand_is_looked_for(tmp_path, capsys):
    with pytest.raises(SystemExit, match="error: nico has no public address .*put NICO_unique and NICO_uni"):
        run_command("prepare-data", ["nico", "--root", str(tmp_path)])
    write_nico(tmp_path)
    run_command("prepare-data", ["nico", "--root", str(tmp_path)])
    assert "NICO is there" in capsys.readouterr().out


def test_what_is_on_google_drive_names_the_extra(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise RuntimeError("To download files from GDrive, 'gdown' is required.")

    kind = replace(prepare_data.KINDS["celeba"], build=refused)
    monkeypatch.setattr(prepare_data, "KINDS", {"celeba": kind})
    monkeypatch.setattr(prepare_data, "find_spec", lambda _: None)
    with pytest.raises(SpliceError, match=r"by gdown, which is not installed: pip install 'splice-exp\[data\]'"):
        prepare_data.prepare_torchvision("celeba", tmp_path)


def test_an_unpacking_that_was_killed_is_done_again(server, tmp_path, monkeypatch):
    content = zipped(val__a="jpg", val__b="jpg")
    archive = prepare_data.Archive(server.url("c.zip"), md5(content), "coco", "val")
    monkeypatch.setattr(prepare_data, "ARCHIVES", {"coco": (archive,)})
    (tmp_path / "coco" / "val").mkdir(parents=True)
    (tmp_path / "coco" / "c.zip").write_bytes(content)  # fetched, and half of it unpacked
    prepare_data.prepare_archives("coco", tmp_path)
    assert server.asked == []
    assert sorted(path.name for path in (tmp_path / "coco").rglob("*")) == ["a", "b", "val"]


def test_an_archive_cannot_write_elsewhere(tmp_path):
    (tmp_path / "evil.tar.gz").write_bytes(tarred({"../outside": b"x"}))
    with pytest.raises(SpliceError, match=r"evil\.tar\.gz cannot be unpacked"):
        prepare_data.unpack(tmp_path / "evil.tar.gz", tmp_path / "in")
    assert not (tmp_path / "outside").exists()


def test_a_data_set_of_hugging_face_is_saved_as_one_folder(tmp_path, monkeypatch, capsys):
    asked = []

    def load(path, config, split, revision):
        asked.append((path, config, split, revision))
        return Dataset.from_dict({"label": [0, 1]})

    monkeypatch.setattr("datasets.load_dataset", load)
    for _ in range(2):
        prepare_data.prepare_huggingface("someone/birds", "full", "test", "abc", tmp_path)
    assert asked == [("someone/birds", "full", "test", "abc")]
    assert load_from_disk(str(tmp_path / "birds-full-test-abc"))["label"][:] == [0, 1]
    prepare_data.prepare_huggingface("someone/birds", "full", "train", "abc", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["birds-full-test-abc", "birds-full-train-abc"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["no_such_set"], "invalid choice: 'no_such_set'"),
        (["huggingface"], "huggingface needs --path NAME"),
        (["cifar100", "--path", "x"], "--path needs huggingface"),
    ],
)
def test_wrong_words_are_refused(capsys, words, message):
    with pytest.raises(SystemExit):
        run_command("prepare-data", words)
    assert message in capsys.readouterr().err


def test_what_cannot_be_had_is_one_sentence(tmp_path):
    with pytest.raises(SystemExit, match="error: https://nlp.stanford.edu/data/dro/"):
        run_command("prepare-data", ["waterbirds", "--root", str(tmp_path)])


def test_names_that_are_written_without_torch_are_those_of_the_data_sets():
    assert tuple(torchvision_names.NAMES) == tuple(torchvision_sets.KINDS)
    assert dict(torchvision_names.Kinds()) == torchvision_sets.KINDS
    assert prepare_data.BY_HAND["nico"] == ("NICO", (nico.IMAGES, nico.LISTS))
