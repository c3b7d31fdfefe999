"""The same rows from any number of processes, after any number of kills."""

import math
import os
import signal

import pytest
import torch

from splice_exp.core.errors import SpliceError
from splice_exp.distributed import preemption
from splice_exp.distributed.batches import Dealt, RowModule, RowSource, Share
from splice_exp.distributed.predict import compute
from splice_exp.distributed.preemption import EXIT_CODE, Preempted
from splice_exp.distributed.shards import Shards, cut
from splice_exp.distributed.trainer import Machine
from tests.distributed.test_shards import contents

NUM_ROWS = 23


class Numbers(RowSource):
    def load(self, rows):
        return torch.arange(rows.start, rows.stop)


class Roots(RowModule):
    """Square roots, into one store or two; breaks or is stopped at a given row."""

    def __init__(self, names=("roots",), at=None, end=None):
        super().__init__()
        self.names, self.at, self.end = names, at, end
        self.register_buffer("one", torch.ones(()))

    def rows(self, inputs):
        if self.at in inputs.tolist():
            if self.end == "error":
                raise SpliceError("row 9 is a picture that cannot be read: remove it.")
            os.kill(os.getpid(), signal.SIGTERM)
        return {name: {"value": self.one * inputs.sqrt()} for name in self.names}


def shards(folder, name="roots"):
    return Shards.keyed(folder / name, {"what": name}, NUM_ROWS)


def run(folder, module=None, machine=None, names=("roots",), batch_size=4, share=Share()):  # noqa: B008  frozen
    stores = {name: shards(folder, name) for name in names}
    compute(module or Roots(names), Numbers(), stores, machine or Machine(accelerator="cpu"), batch_size, share)


def values(folder, name="roots"):
    return torch.cat([tensors["value"] for _, tensors in shards(folder, name).read()])


@pytest.fixture(autouse=True)
def nobody_has_asked_to_stop():
    yield
    preemption._asked.clear()


def test_all_rows_in_order(tmp_path):
    run(tmp_path)
    torch.testing.assert_close(values(tmp_path), torch.arange(NUM_ROWS).sqrt())
    assert len(contents(shards(tmp_path).directory)) == math.ceil(NUM_ROWS / 4) + 1


def test_what_is_there_is_not_computed_again(tmp_path):
    run(tmp_path)
    before = contents(shards(tmp_path).directory)
    run(tmp_path, Roots(at=0, end="error"))
    assert contents(shards(tmp_path).directory) == before


def test_two_stores_are_filled_in_one_pass(tmp_path):
    run(tmp_path, names=("roots", "others"))
    torch.testing.assert_close(values(tmp_path, "others"), values(tmp_path))


def test_a_store_that_lacks_rows_gets_them_with_the_other(tmp_path):
    run(tmp_path, names=("roots", "others"))
    undisturbed = contents(shards(tmp_path, "others").directory)
    (shards(tmp_path, "others").directory / "000000008-000000012.safetensors").unlink()
    run(tmp_path, names=("roots", "others"))
    assert contents(shards(tmp_path, "others").directory) == undisturbed


@pytest.mark.parametrize("world", [1, 2, 3, 5])
def test_batches_are_dealt_whatever_each_process_finds_missing(monkeypatch, world):
    """A process that looks later finds less missing; every batch has one owner all the same."""
    everything = list(cut(range(NUM_ROWS), 4))
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: world)
    owners = {}
    for rank in range(world):
        monkeypatch.setattr(torch.distributed, "get_rank", lambda rank=rank: rank)
        found = everything[rank:]  # the first are there already, for those who come late
        dealt = Dealt(found, 4, Share())
        for place in dealt:
            assert found[place] not in owners
            owners[found[place]] = rank
        assert len(dealt) == len(list(dealt))
    assert {rows.start // 4 for rows in owners} | set(range(world)) == set(range(len(everything)))


@pytest.mark.parametrize("count", [2, 4, 6])
def test_jobs_that_do_not_know_each_other_do_all_of_it_together(tmp_path, count):
    run(tmp_path / "whole")
    for index in range(count):
        assert shards(tmp_path).missing(4)
        run(tmp_path, share=Share(index, count))
    assert contents(shards(tmp_path).directory) == contents(shards(tmp_path / "whole").directory)


def test_sigterm_ends_after_the_batch_and_the_same_command_goes_on(tmp_path):
    whole = tmp_path / "whole"
    run(whole)
    with preemption.preemptible(), pytest.raises(Preempted) as stopped:
        run(tmp_path, Roots(at=9))
    assert stopped.value.code == EXIT_CODE
    assert shards(tmp_path).missing(4) == list(cut(range(12, NUM_ROWS), 4))  # the batch of row 9 was finished
    preemption._asked.clear()
    run(tmp_path)
    assert contents(shards(tmp_path).directory) == contents(shards(whole).directory)


def test_the_signal_is_given_back(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    with preemption.preemptible():
        run(tmp_path)
        assert signal.getsignal(signal.SIGTERM) is preemption.on_sigterm
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.slow
@pytest.mark.enable_socket  # of this machine, for gloo
@pytest.mark.parametrize("devices", [2, 3])
def test_several_processes_write_the_same_bytes(tmp_path, devices):
    run(tmp_path / "one")
    run(tmp_path / "several", machine=Machine(accelerator="cpu", devices=devices))
    assert contents(shards(tmp_path / "one").directory) == contents(shards(tmp_path / "several").directory)


@pytest.mark.slow
@pytest.mark.enable_socket  # of this machine, for gloo
@pytest.mark.parametrize("missing", [[0], [1, 3]])
def test_all_that_is_missing_may_belong_to_one_process(tmp_path, missing):
    """As after a kill, or where there are fewer batches than processes."""
    run(tmp_path / "one")
    run(tmp_path / "several")
    several = shards(tmp_path / "several").directory
    for number in missing:
        sorted(several.glob("*.safetensors"))[number].unlink()
    run(tmp_path / "several", machine=Machine(accelerator="cpu", devices=2))
    assert contents(several) == contents(shards(tmp_path / "one").directory)


@pytest.mark.slow
@pytest.mark.enable_socket  # of this machine, for gloo
@pytest.mark.parametrize(("end", "error"), [("error", SpliceError), (None, Preempted)])
def test_what_ends_one_of_several_processes_ends_the_command(tmp_path, end, error):
    with preemption.preemptible(), pytest.raises(error, match="cannot be read: remove it" if end else str(EXIT_CODE)):
        run(tmp_path, Roots(at=9, end=end), Machine(accelerator="cpu", devices=2))
    preemption._asked.clear()
    run(tmp_path)
    torch.testing.assert_close(values(tmp_path), torch.arange(NUM_ROWS).sqrt())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"accelerator": "tpu"}, r"^accelerator is 'tpu', but must be one of"),
        ({"accelerator": "gpu"}, r"^accelerator is 'gpu', but there is no CUDA device here"),
        ({"devices": 0}, r"^devices is 0"),
        ({"num_nodes": 2}, r"^num_nodes is 2, but no launcher has started this process"),
        ({"batch_size": 0}, r"^batch_size is 0"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(SpliceError, match=message):
        Machine(**options)


def test_a_share_is_one_of_those_there_are():
    with pytest.raises(SpliceError, match=r"shard\.index is 2, but must be less than shard\.count, which is 2"):
        Share(2, 2)
