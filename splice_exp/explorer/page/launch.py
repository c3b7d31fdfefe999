"""Serve the page on this machine alone: no sharing, nothing fetched from elsewhere, no file that was not asked for."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from splice_exp.backbones.drawings_only import WHY
from splice_exp.core.assets import ASSETS
from splice_exp.core.packages.web import gr
from splice_exp.explorer.maps import everything, method_within
from splice_exp.explorer.model import Explorer
from splice_exp.explorer.page.app import App
from splice_exp.explorer.page.guard import guards

HOST = "127.0.0.1"
STYLE = ASSETS / "explorer" / "style.css"
FONTS = ("system-ui", "sans-serif")
FIXED_FONTS = ("ui-monospace", "monospace")
AT_ONCE = 2  # slow questions that are worked on at the same time


def warm(model: Explorer) -> None:
    """Do what the first map would wait for: measure the speed of the tower, and represent all concepts."""
    if model.has_tower and model.has_images:
        method_within(model)
        everything(model)


def launch(model: Explorer, port: int, allowed: Sequence[Path] = (), max_upload: int = 20, wait: bool = True) -> str:
    """Serve the page until it is stopped.

    Args:
        model: What is looked at.
        port: Of 127.0.0.1; 0: any that is free.
        allowed: Folders from which images may be opened by their paths.
        max_upload: Largest upload, in MB.
        wait: Whether to return only when it is stopped.

    Returns:
        Its address.

    Raises:
        OSError: if the port is taken.
    """
    warnings.filterwarnings("ignore", re.escape(WHY), UserWarning)  # the page says it where it is true
    warm(model)
    page = App(model, allowed).page
    page.queue(default_concurrency_limit=AT_ONCE)
    theme = gr.themes.Default(font=FONTS, font_mono=FIXED_FONTS, primary_hue="blue", neutral_hue="slate")
    options: dict[str, Any] = {"share": False, "inbrowser": False, "quiet": True, "show_error": True}
    options |= {"ssr_mode": False, "pwa": False, "mcp_server": False, "enable_monitoring": False, "run_history": False}
    options |= {"footer_links": [], "max_file_size": f"{max_upload}mb", "app_kwargs": guards()}
    options |= {"theme": theme, "css": STYLE.read_text(encoding="utf-8"), "prevent_thread_lock": not wait}
    _, address, _ = page.launch(server_name=HOST, server_port=port or None, **options)
    return str(address)
