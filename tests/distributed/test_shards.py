"""Every row once, whatever was killed, overlaps, or is damaged."""

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError

from splice_exp.core.errors import SpliceError
from splice_exp.distributed.shards import MANIFEST, Shards, cut

KEY = {"backbone": "b", "data": "d"}


def values(rows):
    return {"features": torch.arange(rows.start, rows.stop, dtype=torch.float32)[:, None] * torch.ones(3)}


def fill(shards, batch_size, batches=None):
    for rows in shards.missing(batch_size) if batches is None else batches:
        shards.write(rows, values(rows))


def content(shards):
    return torch.cat([tensors["features"] for _, tensors in shards.read()])


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def flip(path, place=-1):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 12))
@settings(derandomize=True, deadline=None)
def test_cuts_are_at_multiples_of_the_batch_size(start, length, batch_size):
    parts = list(cut(range(start, start + length), batch_size))
    assert [row for part in parts for row in part] == list(range(start, start + length))
    assert all(part.start % batch_size == 0 for part in parts[1:])
    assert all(0 < len(part) <= batch_size for part in parts)


@given(st.integers(1, 40), st.lists(st.tuples(st.integers(1, 9), st.floats(0, 1)), max_size=4), st.integers(1, 9))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_each_row_is_read_once_after_any_kills_at_any_batch_sizes(tmp_path_factory, num_rows, kills, last):
    shards = Shards.keyed(tmp_path_factory.mktemp("shards"), KEY, num_rows)
    chance = random.Random(num_rows)
    for batch_size, share in kills:
        missing = shards.missing(batch_size)
        fill(shards, batch_size, chance.sample(missing, round(share * len(missing))))
    fill(shards, last)
    assert not shards.missing(last)
    assert torch.equal(content(shards), values(range(num_rows))["features"])
    some = range(chance.randrange(num_rows), num_rows)
    assert torch.equal(shards.rows(some)["features"], values(some)["features"])


def test_processes_with_other_batch_sizes_at_the_same_time(tmp_path):
    """Two that began together write shards that overlap; those that are read hold each row once."""
    shards = Shards.keyed(tmp_path, KEY, 20)
    for rows in [*cut(range(20), 8), *cut(range(20), 6)]:
        shards.write(rows, values(rows))
    fill(shards, 6)
    shards.seal()
    assert torch.equal(content(shards), values(range(20))["features"])


def test_a_resumed_store_is_that_of_an_undisturbed_run_to_the_byte(tmp_path):
    whole, killed = (Shards.keyed(tmp_path / name, KEY, 23) for name in ("whole", "killed"))
    fill(whole, 4)
    whole.seal()
    fill(killed, 4, list(cut(range(23), 4))[1:4])
    killed.seal()
    assert not (killed.directory / MANIFEST).is_file()
    fill(killed, 4)
    killed.seal()
    assert contents(killed.directory) == contents(whole.directory)


def test_rows_that_are_missing_are_named(tmp_path):
    shards = Shards.keyed(tmp_path, KEY, 10)
    fill(shards, 4, [range(4)])
    with pytest.raises(SpliceError, match=r"lacks rows range\(4, 10\): run the same command again"):
        list(shards.read())


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("place", [-1, 0, 30, 90])
def test_a_flipped_bit_is_found_named_and_repaired(tmp_path, sealed, place):
    shards = Shards.keyed(tmp_path, KEY, 10)
    fill(shards, 4)
    if sealed:
        shards.seal()
    before = contents(shards.directory)
    flip(shards.directory / "000000004-000000008.safetensors", place)
    with pytest.raises(SpliceError, match=r"000000004-000000008\.safetensors is .* set repair=true"):
        list(shards.read())
    assert [path.name for path in shards.repair()] == ["000000004-000000008.safetensors"]
    assert shards.missing(4) == [range(4, 8)]
    fill(shards, 4)
    assert torch.equal(content(shards), values(range(10))["features"])
    if sealed:
        shards.seal()
    assert contents(shards.directory) == before
    assert not shards.repair()


def test_a_shard_of_another_computation_is_found(tmp_path):
    mine, other = (Shards(tmp_path / name, {"data": name}, 4) for name in ("mine", "other"))
    fill(other, 4)
    mine.directory.mkdir()
    (path,) = other.directory.iterdir()
    path.rename(mine.directory / path.name)
    with pytest.raises(SpliceError, match="is of another computation than its folder"):
        list(mine.read())
    assert len(mine.repair()) == 1


def test_a_shard_put_in_the_place_of_another_is_found(tmp_path):
    """It is whole by itself, but knows its rows."""
    shards = Shards.keyed(tmp_path, KEY, 8)
    fill(shards, 4)
    shards.seal()
    first, second = sorted(shards.directory.glob("*.safetensors"))
    second.write_bytes(first.read_bytes())
    with pytest.raises(SpliceError, match=r"000000004-000000008\.safetensors holds other rows than its name says"):
        list(shards.read())
    assert shards.repair() == [second]


def test_a_sealed_store_takes_shards_that_another_process_writes_later(tmp_path):
    """It had begun before the store was sealed, with batches of its own, or on a processor with other last bits."""
    shards = Shards.keyed(tmp_path, KEY, 16)
    fill(shards, 4)
    shards.seal()
    others = {name: value + 1e-7 for name, value in values(range(8, 12)).items()}
    shards.write(range(8, 12), others)
    shards.write(range(8), values(range(8)))
    found = [rows for rows, _ in shards.read()]
    assert found == [range(8), range(8, 12), range(12, 16)]
    assert not shards.repair()
    before = contents(shards.directory)[MANIFEST]
    shards.seal()
    assert contents(shards.directory)[MANIFEST] != before
    assert len(list(shards.read())) == 3


def test_a_shard_that_is_missing_from_a_sealed_store_is_made_again(tmp_path):
    shards = Shards.keyed(tmp_path, KEY, 16)
    fill(shards, 4)
    shards.seal()
    (shards.directory / "000000004-000000008.safetensors").unlink()
    fill(shards, 2)
    assert torch.equal(content(shards), values(range(16))["features"])
    shards.seal()
    assert torch.equal(content(shards), values(range(16))["features"])


def test_a_manifest_that_cannot_be_read_is_made_again(tmp_path):
    shards = Shards.keyed(tmp_path, KEY, 8)
    fill(shards, 4)
    shards.seal()
    before = contents(shards.directory)
    (shards.directory / MANIFEST).write_text("{")
    assert not shards.repair()
    shards.seal()
    assert contents(shards.directory) == before


def test_rows_that_are_not_there_are_named(tmp_path):
    shards = Shards.keyed(tmp_path, KEY, 10)
    fill(shards, 4, [range(4), range(8, 10)])
    assert shards.rows(range(1, 3))["features"][:, 0].tolist() == [1, 2]
    with pytest.raises(SpliceError, match=r"lacks some of the rows range\(2, 9\)"):
        shards.rows(range(2, 9))


FIRST = "000000000-000000004"


@pytest.mark.parametrize(
    "name",
    [
        *(f"{FIRST} (1).safetensors", f"{FIRST}.sync-conflict-20260101-120000-ABC.safetensors", "0-4.safetensors"),
        *(
            f"{FIRST} - Copy.safetensors",
            f"._{FIRST}.safetensors",
            f"{FIRST}-4.safetensors",
            "000000004-000000004.safetensors",
        ),
    ],
)
def test_copies_that_others_make_are_left_alone(tmp_path, name):
    """As file managers, and folders that are synchronised, name them."""
    shards = Shards.keyed(tmp_path, KEY, 10)
    shards.directory.mkdir()
    (shards.directory / name).write_bytes(b"a copy")
    fill(shards, 4)
    assert not shards.repair()
    assert torch.equal(content(shards), values(range(10))["features"])
    shards.seal()
    assert (shards.directory / name).read_bytes() == b"a copy"


@pytest.mark.parametrize("name", [f"{FIRST}.safetensors", MANIFEST])
def test_a_folder_that_is_named_like_a_shard_is_set_aside(tmp_path, name, caplog):
    shards = Shards.keyed(tmp_path, KEY, 10)
    (shards.directory / name).mkdir(parents=True)
    (shards.directory / name / "mine").write_text("kept")
    assert not shards.repair()
    assert shards.missing(4) == list(cut(range(10), 4))
    fill(shards, 4)
    shards.seal()
    assert torch.equal(content(shards), values(range(10))["features"])
    assert (shards.directory / MANIFEST).is_file()
    (mine,) = shards.directory.glob("*/mine")
    assert mine.read_text() == "kept"
    assert f"is no file, and is called {mine.parent.name} from now on" in caplog.text


def test_a_full_disk_is_named_and_leaves_no_part_of_a_shard(tmp_path, monkeypatch):
    """safetensors hands the error of the system on in words of its own."""
    shards = Shards.keyed(tmp_path, KEY, 10)
    fill(shards, 4, [range(4)])
    before = contents(shards.directory)

    def full(tensors, path, metadata):
        path.write_bytes(b"half")
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("splice_exp.distributed.shards.save_file", full)
    with pytest.raises(SpliceError, match=r"safetensors cannot be written \(No space left on device\): make room"):
        shards.write(range(4, 8), values(range(4, 8)))
    assert contents(shards.directory) == before
