"""Weights come from a hub once, with a word on where to, and without one the sentence comes before torch does."""

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import open_clip
import pytest

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
        content = (SCENES_CLIP / name).read_bytes()
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
        assert copy.read_bytes() == (SCENES_CLIP / name).read_bytes()
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
    assert found.startswith(f"The weights {lacking} of huggingface.co/tests/scenes are not here, and cannot be fetched")
    assert "`hf download tests/scenes`" in found
    assert found.endswith("\nFalse\n")


def test_offline_a_tag_is_named_without_torch(tmp_path):
    found = fetch(tmp_path, "ViT-B-32", "laion2b_s34b_b79k", HF_HUB_OFFLINE="1").stdout
    assert "`hf download laion/CLIP-ViT-B-32-laion2B-s34B-b79K`" in found
    assert found.endswith("\nFalse\n")


def test_the_table_of_weights_is_that_of_open_clip():
    assert _tables().get_pretrained_cfg("ViT-B-32", "openai") == open_clip.get_pretrained_cfg("ViT-B-32", "openai")
