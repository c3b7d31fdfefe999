"""What the server says to every request: nothing of other machines may be loaded, and nothing is fetched for anyone."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

# Gradio evaluates templates of its components, hence `unsafe-eval`; everything comes from this server.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'self'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
FETCHED = ("file=http:", "file=https:", "proxy=")  # paths by which Gradio would ask other machines


class Guard:
    """Adds headers to answers, and refuses to ask other machines.

    Args:
        app: Answers all else.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, as ASGI has it.

        Args:
            scope: Of the request.
            receive: Reads it.
            send: Answers it.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if any(one in unquote(scope["path"]).lower() for one in FETCHED):
            await send({"type": "http.response.start", "status": 403, "headers": list(HEADERS)})
            await send({"type": "http.response.body", "body": b"nothing is fetched from other machines"})
            return

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *HEADERS]}
            await send(message)

        await self._app(scope, receive, with_headers)


def guards() -> dict[str, Any]:
    """Return the options of the server that put a `Guard` before it."""
    from starlette.middleware import Middleware  # late: it comes with Gradio

    return {"middleware": [Middleware(Guard)]}
