"""A file is read once, and again when it has changed, whatever it does to look as before."""

import hashlib
import json
import os
import time

import pytest

from splice_exp.core.runs import file_digests
from splice_exp.core.runs.file_digests import keep_digests_in, remembered, sha256_of


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Three files that were there for long; a later command knows of earlier ones only what they have kept."""
    monkeypatch.setattr(file_digests, "_KNOWN", {})
    monkeypatch.setattr(file_digests, "_READ", set())
    monkeypatch.setattr(file_digests, "_FOUND", {})
    monkeypatch.setattr(file_digests, "_KEPT_IN", [])
    monkeypatch.setattr(file_digests, "FRESH", -3600.0)
    monkeypatch.setattr(file_digests, "KEPT_FROM", 1)
    root = tmp_path / "data"
    root.mkdir()
    found = [root / f"{name}.bin" for name in "abc"]
    for number, path in enumerate(found):
        path.write_bytes(bytes([number]) * 100)
    return found


@pytest.fixture
def read(monkeypatch):
    """List the files that are read."""
    names = []
    original = file_digests._sha256
    monkeypatch.setattr(file_digests, "_sha256", lambda path: names.append(path[-5]) or original(path))
    return names


def later_command():
    file_digests._FOUND.clear()
    file_digests._KNOWN.clear()
    file_digests._READ.clear()


def test_files_are_read_once_and_later_commands_know_them(files, read, tmp_path):
    keep_digests_in(tmp_path / "cache")
    expected = [sha256(path) for path in files]
    assert sha256_of(files, files[0].parent) == expected
    assert sha256_of(files, files[0].parent) == expected
    later_command()
    assert sha256_of(files, files[0].parent) == expected
    assert sorted(read) == ["a", "b", "c"]


def test_a_file_of_the_same_size_and_time_is_read_again(files, read, tmp_path):
    keep_digests_in(tmp_path / "cache")
    sha256_of(files, files[0].parent)
    read.clear()
    written, replaced = files[0], files[1]
    before = written.stat()
    written.write_bytes(b"x" * 100)
    os.utime(written, ns=(before.st_atime_ns, before.st_mtime_ns))
    before, other = replaced.stat(), tmp_path / "other"
    other.write_bytes(b"y" * 100)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    os.replace(other, replaced)
    later_command()
    assert sha256_of(files, files[0].parent) == [sha256(path) for path in files]
    assert sorted(read) == ["a", "b"]


def test_a_file_that_was_just_written_is_not_trusted(files, read, monkeypatch, tmp_path):
    """Another may be written within the same tick of the clock."""
    keep_digests_in(tmp_path / "cache")
    monkeypatch.setattr(file_digests, "FRESH", 60.0)
    for _ in range(2):
        sha256_of(files, files[0].parent)
    assert len(read) == 6


@pytest.mark.parametrize("damage", [b"", b"\x00" * 50, b"[1, 2", b'["a", 1] 00000000\n'])
def test_lines_that_are_damaged_are_left_out(files, read, tmp_path, damage):
    keep_digests_in(tmp_path / "cache")
    expected = sha256_of(files, files[0].parent)
    (kept,) = (tmp_path / "cache" / "digests").iterdir()
    lines = [line for line in kept.read_bytes().split(b"\n") if line]
    kept.write_bytes(b"\n".join([damage, *lines[:2], lines[2][:-20]]))
    later_command()
    read.clear()
    assert sha256_of(files, files[0].parent) == expected
    assert len(read) == 1


def test_a_line_says_what_a_file_is_known_by(files, tmp_path):
    keep_digests_in(tmp_path / "cache")
    sha256_of(files[:1], files[0].parent)
    (kept,) = (tmp_path / "cache" / "digests").iterdir()
    path, size, modified, changed, inode, digest = json.loads(kept.read_text().strip().rpartition(" ")[0])
    status = files[0].stat()
    assert (path, size, modified, changed, inode) == (
        *(str(files[0]), status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino),
    )
    assert digest == sha256(files[0])


def test_a_cache_that_cannot_be_written_costs_time_only(files, read, tmp_path):
    (tmp_path / "cache").write_text("a file")
    keep_digests_in(tmp_path / "cache")
    assert sha256_of(files, files[0].parent) == [sha256(path) for path in files]


def test_few_bytes_are_not_kept(files, monkeypatch, tmp_path):
    monkeypatch.setattr(file_digests, "KEPT_FROM", 2**24)
    keep_digests_in(tmp_path / "cache")
    sha256_of(files, files[0].parent)
    assert not (tmp_path / "cache").exists()


def test_what_takes_long_is_said(files, monkeypatch, caplog):
    monkeypatch.setattr(file_digests, "SAID_FROM", 100)
    sha256_of(files, files[0].parent)
    assert "data: reading 0 GB, once, to know the files by their content" in caplog.text


def test_a_file_that_changes_while_it_is_read_is_not_trusted(files, tmp_path, monkeypatch):
    keep_digests_in(tmp_path / "cache")
    original = file_digests._sha256

    def changing(path):
        found = original(path)
        time.sleep(0.01)
        files[0].write_bytes(b"z" * 100)
        return found

    monkeypatch.setattr(file_digests, "_sha256", changing)
    sha256_of(files[:1], files[0].parent)
    monkeypatch.setattr(file_digests, "_sha256", original)
    assert sha256_of(files[:1], files[0].parent) == [sha256(files[0])]


def test_what_was_found_out_by_looking_through_files_is_remembered(files, tmp_path):
    keep_digests_in(tmp_path / "cache")
    looked = []

    def look():
        looked.append(1)
        return "müde\n" + files[0].read_bytes().hex()

    for _ in range(2):
        assert remembered("hex", files, look).startswith("müde\n00")
        later_command()
    assert len(looked) == 1
    assert remembered("other", files, look) and len(looked) == 2  # noqa: PT018
    files[0].write_bytes(b"new")
    assert remembered("hex", files, look).endswith(b"new".hex())
    (kept,) = {path for path in (tmp_path / "cache").rglob("*.json") if b"6e6577" in path.read_bytes()}
    kept.write_bytes(kept.read_bytes()[:-2] + b"xx")
    later_command()
    assert remembered("hex", files, look).endswith(b"new".hex())
    assert len(looked) == 4


def test_of_a_file_that_was_just_written_nothing_is_remembered(files, tmp_path, monkeypatch):
    monkeypatch.setattr(file_digests, "FRESH", 3600.0)
    keep_digests_in(tmp_path / "cache")
    assert [remembered("x", files, lambda text=text: text) for text in ("1", "2")] == ["1", "2"]
    assert not list((tmp_path / "cache").rglob("*"))
