"""Images that a run has skipped: in its record and its table, and the same ones when it goes on after a kill."""

import pytest

from splice_exp.configuration import resolve, samples_of
from splice_exp.core.errors import SpliceError
from splice_exp.core.io import read_json
from splice_exp.core.runs.provenance import run_id
from splice_exp.core.runs.run_directory import DAMAGED, ENVIRONMENT, METRICS
from splice_exp.data.scenes.plain import Scenes
from splice_exp.report.records import Record, describe
from splice_exp.run import run
from tests.test_configuration import composed


@pytest.fixture
def zoo(tmp_path):
    """Twelve scenes in folders of their shapes; two are damaged."""
    scenes = Scenes(12, max_objects=1, label="shape")
    for number, image in enumerate(scenes.inputs(0, 12)):
        path = tmp_path / "zoo" / scenes.classes[scenes.labels[number]] / f"{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)
    files = sorted((tmp_path / "zoo").rglob("*.png"))
    files[1].write_bytes(b"")
    files[7].write_bytes(files[7].read_bytes()[:200])
    return tmp_path / "zoo"


def configured(zoo, cache, *overrides):
    given = [f"data.root={zoo}", f"paths.cache={cache}", "debug=fast", "figures=false", "stability=none", *overrides]
    return resolve(composed("experiment=zero_shot", "data=image_folder", *given))


def test_skipped_images_are_in_the_record_and_in_the_table(zoo, tmp_path):
    config = configured(zoo, tmp_path / "cache", "data.damaged=skip")
    run(config, tmp_path / "run")
    listed = read_json(tmp_path / "run" / DAMAGED)
    ((key, reasons),) = listed.items()
    assert key == "data"
    assert len(reasons) == 2
    assert all(name in reason and str(tmp_path) not in reason for name, reason in reasons.items())
    assert read_json(tmp_path / "run" / ENVIRONMENT)["damaged"] == {"data": 2}
    assert read_json(tmp_path / "run" / METRICS)["data/num_samples"] == 10
    assert "Damaged images that are left out: 2 of data" in describe([Record({}, tmp_path / "run")])


def test_a_run_without_damaged_images_says_nothing_of_them(zoo, tmp_path):
    config = configured(zoo, tmp_path / "cache", "data.damaged=skip")
    run(config, tmp_path / "run")
    for name in read_json(tmp_path / "run" / DAMAGED)["data"]:
        (zoo / name).unlink()
    run({**config, "force": True}, tmp_path / "run")
    assert not (tmp_path / "run" / DAMAGED).exists()
    assert not any("Damaged" in line for line in describe([Record({}, tmp_path / "run")]))
    assert read_json(tmp_path / "run" / METRICS)["data/num_samples"] == 10


def test_skipping_is_part_of_the_identity(zoo, tmp_path):
    ids = {
        run_id(configured(zoo, tmp_path, *given), samples_of)
        for given in ([], ["data.damaged=skip"], ["data.exif=ignore"])
    }
    assert len(ids) == 3


def test_a_run_that_was_killed_goes_on_with_the_same_images(zoo, tmp_path):
    config = configured(zoo, tmp_path / "cache", "data.damaged=skip", "trainer.batch_size=3")
    run(config, tmp_path / "run")
    before = (tmp_path / "run" / METRICS).read_bytes()
    shards = sorted((tmp_path / "cache" / "embeddings").rglob("*.safetensors"))
    assert [shard.stem for shard in shards][-1] == "000000009-000000010"
    for lost in (shards[1], shards[-1], *shards[0].parent.glob("manifest.json")):
        lost.unlink()
    run(config, tmp_path / "run")
    assert (tmp_path / "run" / METRICS).read_bytes() == before


@pytest.mark.slow
def test_a_process_that_loads_says_it_in_a_sentence(zoo, tmp_path):
    with pytest.raises(SpliceError, match=r"^\w+/\d+\.png of zoo cannot be read .*; data\.damaged=skip leaves out"):
        run(configured(zoo, tmp_path / "cache", "trainer.num_workers=1"), tmp_path / "run")
