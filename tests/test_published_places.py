"""Tables, pages, figures and what is mirrored name files, and not where they lie: that is in the folder of the run."""

import pytest

from splice_exp.data.scenes.plain import Scenes
from tests.offline_wandb import offline_runs
from tests.test_cli import run_here

TELLING = "folder-of-someone"
SMALL = ("debug=fast", "trainer=cpu")


@pytest.fixture
def home(tmp_path):
    """A folder with a telling name: images of two classes, and two lists of words of the same name."""
    folder = tmp_path / TELLING
    for number, image in enumerate(Scenes(4).inputs(0, 4)):
        path = folder / "zoo" / ("red", "blue")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)
    for name, words in (("short", "red\nblue\n"), ("long", "red\nblue\nstar\n")):
        (folder / name).mkdir()
        (folder / name / "words.txt").write_text(words)
    return folder


def published(results):
    """Return all that is published: neither runs, nor what is kept for later."""
    paths = [path for path in results.rglob("*") if path.relative_to(results).parts[0] not in ("runs", "cache")]
    return [path for path in paths if path.is_file()]


COMMANDS = {
    "decompose": ("decompose", "{home}/zoo/red/0.png", "{home}/zoo/blue"),
    "explain": ("explain", "{home}/zoo/red/0.png", "evaluation.corpus.texts=[red]"),
    "zero_shot": (
        *("-m", "experiment=zero_shot", "data=image_folder", "data.root={home}/zoo", "vocabulary=file"),
        "vocabulary.path={home}/short/words.txt,{home}/long/words.txt",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_where_files_lie_is_not_published(home, tmp_path, name):
    results = tmp_path / "results"
    assert run_here(results, *(word.format(home=home) for word in COMMANDS[name]), *SMALL) == 0
    files = published(results)
    assert {path.parent.name for path in files} >= {"tables", "pages"}
    for path in files:
        content = path.read_bytes()
        for place in (TELLING, str(tmp_path), str(tmp_path).replace("_", " ")):
            assert place.encode() not in content, path
    assert any(TELLING in path.read_text() for path in results.glob("runs/*/*/config.yaml"))
    (table,) = (path.read_text() for path in results.glob(f"tables/{name}*.md"))
    assert {"decompose": "0.png", "explain": "0.png", "zero_shot": "short/words.txt"}[name] in table


@pytest.mark.slow
def test_where_files_lie_is_not_mirrored(home, tmp_path):
    words = [word.format(home=home) for word in COMMANDS["explain"]]
    assert run_here(tmp_path / "results", *words, *SMALL, "logger=wandb", f"logger.directory={tmp_path}") == 0
    runs = offline_runs(tmp_path)
    assert runs
    for records in runs.values():
        for record in records:
            if record.HasField("run"):
                assert TELLING not in str(record.run.config)
    for path in tmp_path.glob("wandb/offline-run-*/files/**/*"):
        assert path.is_dir() or TELLING.encode() not in path.read_bytes(), path
