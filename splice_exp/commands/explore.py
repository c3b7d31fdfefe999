"""Look at a model in a browser: a page on this machine that shows concepts, pixels, changes, data and heads.

    python -m splice_exp explore
    python -m splice_exp explore backbone=vit_b_32_laion2b data=image_folder data.root=zoo vocabulary=laion
    python -m splice_exp explore data=pictures 'data.paths=[holidays/]' --allow holidays

Everything but the options is as for `python -m splice_exp`. The page is at http://127.0.0.1:7860, for this machine
alone; Ctrl-C ends it. It needs Gradio: pip install "splice-exp[explorer]".
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from splice_exp.commands import parser_of
from splice_exp.core.errors import SpliceError
from splice_exp.core.text.visible import say

PORT, LAST_PORT = 7860, 65535
MAX_UPLOAD = 20  # MB


def main(arguments: Sequence[str]) -> None:
    """Read the command line."""
    parser = parser_of("explore", __doc__)
    parser.add_argument("overrides", nargs="*", help="backbone=… data=… vocabulary=… dictionary=… solver=…")
    parser.add_argument("--port", type=int, default=PORT, help=f"of 127.0.0.1; by default {PORT}")
    parser.add_argument(
        "--allow", type=Path, action="append", default=[], metavar="FOLDER", help="images in it may be opened by path"
    )
    parser.add_argument("--max-upload", type=int, default=MAX_UPLOAD, metavar="MB", help="largest upload")
    chosen = parser.parse_intermixed_args(arguments)  # overrides stand before, between and after options
    require_options(chosen.port, chosen.allow, chosen.max_upload)
    explore(chosen.overrides, chosen.port, chosen.allow, chosen.max_upload)


def require_options(port: int, allowed: Sequence[Path], max_upload: int) -> None:
    """Refuse options that cannot be meant, and a page without what serves it, before anything is loaded.

    Args:
        port: Of 127.0.0.1.
        allowed: Folders.
        max_upload: In MB.

    Raises:
        SpliceError: naming the option, or what is to be installed.
    """
    if not 0 <= port <= LAST_PORT:
        raise SpliceError(f"--port is {port}, but must be one of 0 to {LAST_PORT}; 0 takes any that is free.")
    if max_upload < 1:
        raise SpliceError(f"--max-upload is {max_upload}, but must be 1 or more, in MB.")
    for folder in allowed:
        if not folder.expanduser().is_dir():
            raise SpliceError(f"--allow is {str(folder)!r}, but there is no such folder.")
    if find_spec("gradio") is None:
        raise SpliceError('explore needs Gradio, which is not installed here: pip install "splice-exp[explorer]".')


def explore(overrides: Sequence[str], port: int, allowed: Sequence[Path], max_upload: int) -> None:
    """Load what is looked at, and serve the page.

    Args:
        overrides: Of the configuration.
        port: Of 127.0.0.1.
        allowed: Folders whose images may be opened by path.
        max_upload: In MB.

    Raises:
        SpliceError: if a component cannot be loaded, or the port is taken.
    """
    from splice_exp.explorer.model import load  # late, as all that --help does without
    from splice_exp.explorer.page.launch import HOST, launch

    say("loading model and data …", flush=True)
    model = load(overrides)
    say(f"http://{HOST}:{port or '…'} (Ctrl-C ends it)", flush=True)
    try:
        launch(model, port, [folder.expanduser() for folder in allowed], max_upload)
    except OSError as error:
        raise SpliceError(f"--port is {port}, which is taken: choose another one, or 0 for any.") from error
