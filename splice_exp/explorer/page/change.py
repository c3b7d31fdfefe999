"""Concepts of the image switched off, or set: what becomes of its classes, and of its nearest images and captions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from splice_exp.core.errors import SpliceError
from splice_exp.core.packages.web import gr
from splice_exp.core.plotting import PALETTE
from splice_exp.explorer import markup
from splice_exp.explorer.bars import MOST
from splice_exp.explorer.changes import STATES, Change, change, nearest_captions, nearest_images
from splice_exp.explorer.exports import bar_figure, write
from splice_exp.explorer.expressions import parse
from splice_exp.explorer.model import Explorer, Seen
from splice_exp.explorer.page.parts import FAST, SLOW, both, copyable, in_a_sentence, items, pickable, shown
from splice_exp.explorer.recipes import of_change

COLOURS = (PALETTE[5], PALETTE[0], PALETTE[4])  # of `STATES`


class Changes:
    """The tab of changes.

    Args:
        model: What is looked at.
    """

    def __init__(self, model: Explorer) -> None:
        self.model = model
        self.off = gr.CheckboxGroup([], label="Switched off", elem_id="off")
        with gr.Row():
            self.to = gr.Textbox("", label="Set to", placeholder="grass = 0.3, star = 0.1", elem_id="to")
            known = ", ".join(model.study.embeddings.classes[:3])
            about = f"those of the data ({known}, …)" if known else "cat, dog"
            self.classes = gr.Textbox("", label="Classes", placeholder=about, elem_id="classes")
        self.probabilities = shown(elem_id="probabilities")
        self.nearest = gr.Button("Nearest images and captions", size="sm", elem_id="nearest")
        self.images = pickable(elem_id="neighbours")
        self.captions = shown()
        self.export = gr.Button("Figure and numbers as files", size="sm")
        self.files = gr.File(label="Files", visible=False, interactive=False)
        self.recipe = copyable()

    @property
    def inputs(self) -> list[Any]:
        """What a user has chosen here."""
        return [self.off, self.to, self.classes]

    @property
    def outputs(self) -> list[Any]:
        """What follows from image, penalty and choices."""
        return [self.off, self.probabilities, *self.recipe]

    def wire(self, seen: Any, penalty: Any) -> None:
        """Connect what happens in this tab alone.

        Args:
            seen: Component with the image.
            penalty: Component with L.
        """
        inputs = [seen, penalty, *self.inputs]
        answers = [self.probabilities, *self.recipe]
        self.off.input(self.answered, inputs, answers, trigger_mode="always_last", **FAST)
        for box in (self.to, self.classes):
            box.submit(self.answered, inputs, answers, **FAST)
        self.nearest.click(self.neighbours, inputs, [self.images, self.captions], **SLOW)
        self.export.click(self.write, inputs, self.files, **SLOW)

    def show(self, seen: Seen, penalty: float, off: Sequence[str], to: str, classes: str) -> tuple[Any, ...]:
        """Return the values of `outputs`: concepts that can be switched off are those that are active now.

        Args:
            seen: The image.
            penalty: L.
            off: Concepts that are switched off.
            to: Concepts that are set.
            classes: Names.
        """
        active = [name for name, _ in self.model.decompose(seen, penalty).top(MOST)[0]]
        kept = [name for name in off or [] if name in active]
        return gr.CheckboxGroup(active, value=kept), *self.answered(seen, penalty, kept, to, classes)

    def answered(self, seen: Seen, penalty: float, off: Sequence[str], to: str, classes: str) -> tuple[str, ...]:
        """Return what `answer` does, or why it cannot: other views go on.

        Args:
            seen: The image.
            penalty: L.
            off: Concepts that are switched off.
            to: Concepts that are set.
            classes: Names.
        """
        try:
            return self.answer(seen, penalty, off, to, classes)
        except SpliceError as error:
            return markup.sentence(str(error)), "", ""

    def _changed(self, seen: Seen, penalty: float, off: Sequence[str], to: str, classes: str) -> Change:
        before = self.model.decompose(seen, penalty)
        names = [name.strip() for name in classes.split(",") if name.strip()]
        return change(self.model, seen, before, off or [], values_of(to), names)

    def answer(self, seen: Seen, penalty: float, off: Sequence[str], to: str, classes: str) -> tuple[str, ...]:
        """Return probabilities before and after, and how they are computed.

        Args:
            seen: The image.
            penalty: L.
            off: Concepts that are switched off.
            to: Concepts that are set.
            classes: Names.
        """
        found = self._changed(seen, penalty, off, to, classes)
        rows = [
            (name, *(markup.share_bar(value, colour) for value, colour in zip(values, COLOURS, strict=True)))
            for name, values in found.largest()
        ]
        names = [name.strip() for name in classes.split(",") if name.strip()]
        recipe = of_change(self.model, seen, penalty, off or [], values_of(to), names)
        headings = ["class", "embedding", "its code, before", "after"]
        return markup.table(headings, rows, "Predicted probabilities"), *both(recipe)

    @in_a_sentence
    def neighbours(self, seen: Seen, penalty: float, off: Sequence[str], to: str, classes: str) -> tuple[str, str]:
        """Return the images and captions that are nearest before and after.

        Args:
            seen: The image.
            penalty: L.
            off: Concepts that are switched off.
            to: Concepts that are set.
            classes: Names.
        """
        before = self.model.decompose(seen, penalty)
        after = before.intervene(remove=tuple(off or ()), set=values_of(to))
        points = [one.reconstruct() for one in (before, after)]
        images = "".join(
            markup.sentence(f"Nearest images, {state}") + markup.gallery(items(self.model, rows))
            for state, rows in zip(
                STATES[1:], [nearest_images(self.model, point, seen.row) for point in points], strict=True
            )
        )
        captions = [nearest_captions(self.model, point) for point in points]
        if not captions[0]:
            return images, markup.sentence("These data have no captions.")
        return images, markup.table(
            ["caption before", "caption after"], zip(*captions, strict=True), "Nearest captions"
        )

    @in_a_sentence
    def write(self, seen: Seen, penalty: float, off: Sequence[str], to: str, classes: str) -> Any:
        """Return the files of figure and numbers.

        Args:
            seen: The image.
            penalty: L.
            off: Concepts that are switched off.
            to: Concepts that are set.
            classes: Names.
        """
        listed = self._changed(seen, penalty, off, to, classes).largest()
        table = pd.DataFrame([(name, *values) for name, values in listed], columns=["class", *STATES])
        groups = {state: [values[place] for _, values in listed] for place, state in enumerate(STATES)}
        figure = bar_figure(seen.name, [name for name, _ in listed], groups, "predicted probability")
        files = write(f"change_{seen.name}", table, figure)
        return gr.File([str(path) for path in files], visible=True)


def values_of(text: str) -> dict[str, float]:
    """Return the concepts that are set, and their codes.

    Raises:
        SpliceError: if that is not what is written.

    Example:
        >>> values_of("grass = 0.3, red star = .1")
        {'grass': 0.3, 'red star': 0.1}
    """
    if not text.strip():
        return {}
    clauses = parse(text)
    if any(one.sign != "=" or one.negated for one in clauses):
        raise SpliceError(f"{text.strip()!r} sets no codes: write concept = number, with commas, as grass = 0.3.")
    return {one.concept: one.number for one in clauses}
