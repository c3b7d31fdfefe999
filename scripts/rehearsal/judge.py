"""A server on this machine that answers in place of a language model, by the same interface."""

from __future__ import annotations

import json
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Answer a prompt: a score that depends on nothing but the prompt."""
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        score = 1 + zlib.crc32(asked) % 5
        message = {"role": "assistant", "content": f"Theme: things of kind {score}\nScore: {score}"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        reply = {"id": "1", "object": "chat.completion", "created": 0, "model": "stand-in", "choices": [choice]}
        content = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def server() -> ThreadingHTTPServer:
    """Return a server that is bound to a free port of this machine and not yet serving."""
    return ThreadingHTTPServer(("127.0.0.1", 0), _Handler)


def url_of(bound: ThreadingHTTPServer) -> str:
    """Return what judges are to ask."""
    return f"http://127.0.0.1:{bound.server_port}/v1"
