"""Gradio without what it sends home: usage is not counted, and nothing is asked for.

    from splice_exp.core.packages.web import gr

It is an extra, so that modules of the page can be imported without it; `gr` is then None, and `explore` says so first.
"""

import os
from typing import TYPE_CHECKING

QUIET = {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_SHARE": "False", "GRADIO_RUN_HISTORY": "False"}

if TYPE_CHECKING:
    import gradio as gr
else:
    os.environ.update(QUIET)  # before it is imported
    try:
        import gradio as gr
    except ImportError:
        gr = None

__all__ = ["gr"]
