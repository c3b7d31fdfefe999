"""The concepts of an image as bars that follow the penalty."""

from __future__ import annotations

from typing import Any

import pandas as pd

from splice_exp.core.packages.web import gr
from splice_exp.explorer import markup
from splice_exp.explorer.bars import bars_of, fit_of
from splice_exp.explorer.exports import image_figure, write
from splice_exp.explorer.model import Explorer, Seen
from splice_exp.explorer.page.parts import SLOW, both, copyable, in_a_sentence, pickable, shown
from splice_exp.explorer.recipes import of_image


class Concepts:
    """The tab of concepts.

    Args:
        model: What is looked at.
    """

    def __init__(self, model: Explorer) -> None:
        self.model = model
        self.fit = shown(elem_id="fit")
        self.bars = pickable(elem_id="bars")
        self.export = gr.Button("Figure and numbers as files", size="sm")
        self.files = gr.File(label="Files", visible=False, interactive=False, elem_id="files")
        self.recipe = copyable()

    @property
    def outputs(self) -> list[Any]:
        """What changes with image and penalty."""
        return [self.fit, self.bars, *self.recipe]

    def show(self, seen: Seen, penalty: float) -> tuple[str, ...]:
        """Return the values of `outputs`.

        Args:
            seen: The image.
            penalty: L.
        """
        found = self.model.decompose(seen, penalty)
        bars = markup.bars(bars_of(found, self.model.study.truth, seen.row))
        return markup.fit(fit_of(self.model, seen, found)), bars, *both(of_image(self.model, seen, penalty))

    def wire(self, seen: Any, penalty: Any) -> None:
        """Connect what happens in this tab alone.

        Args:
            seen: Component with the image.
            penalty: Component with L.
        """
        self.export.click(self.write, [seen, penalty], self.files, **SLOW)

    @in_a_sentence
    def write(self, seen: Seen, penalty: float) -> Any:
        """Return the files of figure and numbers.

        Args:
            seen: The image.
            penalty: L.
        """
        found = self.model.decompose(seen, penalty)
        bars = bars_of(found, self.model.study.truth, seen.row)
        table = pd.DataFrame(
            [(one.concept, one.code, one.verdict) for one in bars], columns=["concept", "code", "truth"]
        )
        files = write(f"concepts_{seen.name}", table, image_figure(self.model, seen, found))
        return gr.File([str(path) for path in files], visible=True)
