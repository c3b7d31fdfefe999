"""What every part of the page is made of: HTML that can be clicked, errors in a sentence, and what can be copied."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar

from splice_exp.core.errors import SpliceError
from splice_exp.core.packages.web import gr
from splice_exp.explorer.markup import SMALL, address, text
from splice_exp.explorer.model import Explorer
from splice_exp.explorer.recipes import Recipe

P = ParamSpec("P")
T = TypeVar("T")

# One listener on the component itself: what is inside comes and goes.
PICK = """
element.addEventListener('click', (event) => {
  const picked = event.target.closest('[data-pick]');
  if (picked) trigger('click', {pick: picked.dataset.pick});
});
"""
# Answered at once, for what cannot fail.
FAST: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
# What a user has written may be wrong: without a queue, Gradio does not show why.
ASKED: dict[str, Any] = {"concurrency_limit": None, "show_progress": "hidden", "api_visibility": "private"}
SLOW: dict[str, Any] = {"show_progress": "minimal", "api_visibility": "private"}


def pickable(value: str = "", **options: Any) -> Any:
    """Return HTML whose buttons can be chosen: `.click` hands on what `picked` reads.

    Args:
        value: At the beginning.
        **options: As `gr.HTML` takes them.
    """
    return gr.HTML(value, js_on_load=PICK, apply_default_css=False, **options)


def shown(value: str = "", **options: Any) -> Any:
    """Return HTML that is only looked at.

    Args:
        value: At the beginning.
        **options: As `gr.HTML` takes them.
    """
    return gr.HTML(value, js_on_load=None, apply_default_css=False, **options)


def picked(event: Any) -> str:
    """Return what was chosen, as its button names it."""
    return str(event.pick)


def in_a_sentence(function: Callable[P, T]) -> Callable[P, T]:
    """Return the function with its errors shown as a sentence, which is text whatever names are in it."""

    @wraps(function)
    def answered(*arguments: P.args, **options: P.kwargs) -> T:
        try:
            return function(*arguments, **options)
        except SpliceError as error:
            raise gr.Error(text(error), title="", print_exception=False) from error

    return answered


def copyable() -> tuple[Any, Any]:
    """Return the command and the Python of a view, folded away."""
    with gr.Accordion("The same in a terminal and in Python", open=False):
        command = gr.Code(label="command", language="shell", interactive=False, wrap_lines=True)
        python = gr.Code(label="Python", language="python", interactive=False, wrap_lines=True)
    return command, python


def both(recipe: Recipe) -> tuple[str, str]:
    """Return what `copyable` shows of a recipe."""
    return recipe.command, recipe.python


@lru_cache(maxsize=4096)
def thumbnail(model: Explorer, row: int) -> str | None:
    """Return the small image of a sample as a data URL, where there is one.

    Args:
        model: Explorers are compared by identity.
        row: Which sample.
    """
    image = model.image(row)
    return None if image is None else address(image, SMALL)


def items(model: Explorer, rows: list[int]) -> list[tuple[int, str, str | None]]:
    """Return samples as `markup.gallery` takes them.

    Args:
        model: Of the data.
        rows: Which samples.
    """
    names = model.study.embeddings.sample_ids
    return [(row, names[row], thumbnail(model, row)) for row in rows]
