"""Weights come from a hub once, with a word on where to, and without one the sentence comes before torch does."""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import open_clip
import pytest
from safetensors.torch import save_file

from splice_exp.backbones.checkpoint import save_checkpoint
from splice_exp.backbones.open_clip import OpenClipBackbone
from splice_exp.backbones.published import _tables
from splice_exp.core.assets import SCENES_CLIP

NAMES = ("open_clip_model.safetensors", "open_clip_config.json")
FETCH = """
import logging, sys
logging.basicConfig(level=logging.INFO, format="%(message)s")
from splice_exp.backbones.published import require_configured_weights
from splice_exp.core.errors import SpliceError
node = {"_target_": "splice_exp.backbones.open_clip.OpenClipBackbone", "model": sys.argv[1], "pretrained": None}
if len(sys.argv) > 2:
    node["pretrained"] = sys.argv[2]
try:
    require_configured_weights(node)
except SpliceError as error:
    print(error)
print("torch" in sys.modules)
"""


class Hub(BaseHTTPRequestHandler):
    """A repository tests/scenes in the layout of a hub."""

    def _head(self):
        name = self.path.rpartition("/")[2]
        if self.path != f"/tests/scenes/resolve/main/{name}" or name not in NAMES:
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return b""
        content = (SCENES_CLIP / "0" / name).read_bytes()
        self.send_response(200)
        self.send_header("X-Repo-Commit", "a" * 40)
        self.send_header("ETag", f'"{name}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        return content

    def do_HEAD(self):
        self._head()

    def do_GET(self):
        self.wfile.write(self._head())

    def log_message(self, *words):
        pass


def fetch(folder, *arguments, **environment):
    given = {"HF_HUB_CACHE": str(folder), "TQDM_POSITION": "-1", **environment}  # shows bars, though to no terminal
    return subprocess.run(
        [sys.executable, "-c", FETCH, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **given},
    )


@pytest.mark.enable_socket  # of this machine
def test_the_first_use_downloads_and_says_where_to(tmp_path):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        first = fetch(tmp_path, "hf-hub:tests/scenes", HF_ENDPOINT=f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
    assert first.stdout == "False\n"
    for name in NAMES:
        assert f"fetching {name} of huggingface.co/tests/scenes" in first.stderr
        copy = tmp_path / "models--tests--scenes" / "snapshots" / ("a" * 40) / name
        assert copy.read_bytes() == (SCENES_CLIP / "0" / name).read_bytes()
    assert str(tmp_path) in first.stderr
    assert "100%" in first.stderr  # a progress bar
    again = fetch(tmp_path, "hf-hub:tests/scenes", HF_HUB_OFFLINE="1")
    assert (again.stdout, again.stderr) == ("False\n", "")


@pytest.mark.parametrize("lacking", NAMES)
def test_offline_the_lacking_file_is_named_without_torch(tmp_path, lacking):
    """Weights without the configuration that they are built by are of no use."""
    folder = tmp_path / "models--tests--scenes"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("a" * 40)
    (folder / "snapshots" / ("a" * 40)).mkdir(parents=True)
    for name in NAMES:
        if name != lacking:
            (folder / "snapshots" / ("a" * 40) / name).write_bytes(b"")
    found = fetch(tmp_path, "hf-hub:tests/scenes", HF_HUB_OFFLINE="1").stdout
    assert found == (
        f"{lacking} of huggingface.co/tests/scenes was not found locally, and cannot be fetched (HF_HUB_OFFLINE is "
        f"set): where there is a network, run `hf download tests/scenes {lacking}` and copy its cache.\nFalse\n"
    )


def test_offline_a_tag_is_named_without_torch(tmp_path):
    found = fetch(tmp_path, "ViT-B-32", "laion2b_s34b_b79k", HF_HUB_OFFLINE="1").stdout
    assert "run `hf download laion/CLIP-ViT-B-32-laion2B-s34B-b79K open_clip_model.safetensors` and copy" in found
    assert "copy its cache, or set backbone.weights to the file.\n" in found
    assert found.endswith("\nFalse\n")


def test_the_table_of_weights_is_that_of_open_clip():
    assert _tables().get_pretrained_cfg("ViT-B-32", "openai") == open_clip.get_pretrained_cfg("ViT-B-32", "openai")


@pytest.fixture
def hub(tmp_path):
    """A hub's cache in a folder of its own, with one small model."""
    built = open_clip.get_model_config("ViT-B-32")
    built["embed_dim"] = 32
    built["vision_cfg"] |= {"image_size": 32, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16}
    built["text_cfg"] |= {"width": 64, "heads": 2, "layers": 1}
    preprocess = {"mean": [0.5] * 3, "std": [0.5] * 3}
    repository = tmp_path / "cache" / "models--tests--tiny"
    snapshot = repository / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("a" * 40)
    (snapshot / NAMES[1]).write_text(json.dumps({"model_cfg": built, "preprocess_cfg": preprocess}))
    model = open_clip.create_model(f"local-dir:{snapshot}", load_weights=False)
    save_file(model.state_dict(), snapshot / NAMES[0])
    return snapshot


def test_a_cache_of_its_own_is_all_that_a_hub_model_needs(hub):
    by_hub = OpenClipBackbone("hf-hub:tests/tiny", cache=str(hub.parents[2]))
    assert by_hub.backbone_id == OpenClipBackbone(f"local-dir:{hub}").backbone_id
    assert by_hub.encode_text(["a star"]).shape == (1, 32)


def test_a_hub_model_can_be_saved(hub, tmp_path):
    by_hub = OpenClipBackbone("hf-hub:tests/tiny", cache=str(hub.parents[2]))
    save_checkpoint(by_hub, tmp_path / "saved")
    assert OpenClipBackbone(f"local-dir:{tmp_path / 'saved'}").backbone_id == by_hub.backbone_id
