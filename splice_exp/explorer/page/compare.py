"""Two images side by side, and what tells them apart."""

from __future__ import annotations

from typing import Any

import pandas as pd

from splice_exp.core.packages.web import gr
from splice_exp.core.plotting import PALETTE
from splice_exp.explorer import markup
from splice_exp.explorer.differences import Comparison, compare
from splice_exp.explorer.exports import bar_figure, write
from splice_exp.explorer.markup import LARGE, address
from splice_exp.explorer.model import Explorer, Seen
from splice_exp.explorer.page.parts import FAST, SLOW, both, copyable, in_a_sentence, shown
from splice_exp.explorer.recipes import of_comparison

HINT = "Keep the image that you look at, then look at another one: here is what tells them apart."


class Compare:
    """The tab of two images.

    Args:
        model: What is looked at.
    """

    def __init__(self, model: Explorer) -> None:
        self.model = model
        self.kept = gr.State(None)
        self.keep = gr.Button("Keep this image as the first", variant="primary", elem_id="keep")
        self.view = shown(markup.sentence(HINT), elem_id="comparison")
        self.export = gr.Button("Figure and numbers as files", size="sm")
        self.files = gr.File(label="Files", visible=False, interactive=False)
        self.recipe = copyable()

    @property
    def outputs(self) -> list[Any]:
        """What changes with either image and with the penalty."""
        return [self.view, *self.recipe]

    def wire(self, seen: Any, penalty: Any) -> None:
        """Connect what happens in this tab alone.

        Args:
            seen: Component with the image.
            penalty: Component with L.
        """
        inputs = [self.kept, seen, penalty]
        self.keep.click(lambda one: one, seen, self.kept, **FAST).success(self.show, inputs, self.outputs, **FAST)
        self.export.click(self.write, inputs, self.files, **SLOW)

    def _compared(self, first: Seen, second: Seen, penalty: float) -> Comparison:
        codes = [self.model.decompose(one, penalty) for one in (first, second)]
        return compare(first, second, *codes)

    def show(self, first: Seen | None, second: Seen, penalty: float) -> tuple[str, ...]:
        """Return the values of `outputs`.

        Args:
            first: The image that was kept; None: no one yet.
            second: The image that is looked at.
            penalty: L.
        """
        if first is None:
            return markup.sentence(HINT), "", ""
        found = self._compared(first, second, penalty)
        images = "".join(
            markup.picture(address(one.image, LARGE), f"the image {one.name}", one.name)
            if one.image is not None
            else markup.sentence(one.name)
            for one in (first, second)
        )
        alike = (
            f"Cosine of the embeddings {found.cosine:.3f}, of the codes {found.cosine_of_codes:.3f}; "
            f"{100 * found.shared:.0f} % of their concepts are shared."
        )
        largest = max((abs(one.change) for one in found.differences), default=0.0) or 1.0
        rows = [(one.concept, one.first, one.second, _difference(one.change, largest)) for one in found.differences]
        table = markup.table(["concept", first.name, second.name, "more in the second"], rows)
        page = f'<div class="sx-pair">{images}</div>{markup.sentence(alike)}{table}'
        return page, *both(of_comparison(self.model, first, second, penalty))

    @in_a_sentence
    def write(self, first: Seen | None, second: Seen, penalty: float) -> Any:
        """Return the files of figure and numbers.

        Args:
            first: The image that was kept; None: the one that is looked at.
            second: The image that is looked at.
            penalty: L.
        """
        first = first or second
        found = self._compared(first, second, penalty).differences
        rows = [(one.concept, one.first, one.second) for one in found]
        table = pd.DataFrame(rows, columns=["concept", "first", "second"])
        groups = {first.name: [one.first for one in found], second.name: [one.second for one in found]}
        if first.name == second.name:  # one group would hide the other
            groups = {"first": [one.first for one in found], "second": [one.second for one in found]}
        figure = bar_figure("What tells them apart", [one.concept for one in found], groups, "code")
        files = write(f"{first.name}_and_{second.name}", table, figure)
        return gr.File([str(path) for path in files], visible=True)


def _difference(change: float, largest: float) -> markup.Markup:
    """Write a difference as a bar to the right or to the left."""
    colour = PALETTE[0] if change > 0 else PALETTE[1]
    return markup.signed_bar(change, abs(change) / largest, colour)
