"""Which pixels make the image resemble a text rather than another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from splice_exp.core.packages.web import gr
from splice_exp.explorer import markup
from splice_exp.explorer.exports import map_figure, write
from splice_exp.explorer.maps import SIDE, explain, method_within, overlay, prompt_of
from splice_exp.explorer.markup import address
from splice_exp.explorer.model import NO_TOWER, Explorer, Seen
from splice_exp.explorer.page.parts import SLOW, both, copyable, in_a_sentence, shown
from splice_exp.explorer.recipes import of_map

HINT = "Choose a concept by its bar, or write a text. Red pixels speak for the corpus, blue ones for the foil."
RELIABLE = 0.5  # rank correlation of two halves below which a map depends on which masks were sampled


class Pixels:
    """The tab of maps.

    Args:
        model: What is looked at.
    """

    def __init__(self, model: Explorer) -> None:
        self.model = model
        if not model.has_tower:
            shown(markup.sentence(NO_TOWER))
        with gr.Column(visible=model.has_tower):
            with gr.Row():
                self.corpus = gr.Textbox("", label="Corpus", placeholder="a photo of a star", elem_id="corpus")
                self.foil = gr.Textbox("", label="Foil", placeholder="all concepts", elem_id="foil")
            self.ask = gr.Button("Which pixels?", variant="primary", elem_id="ask")
            self.map = shown(markup.sentence(HINT), elem_id="map")
            self.export = gr.Button("Figure and numbers as files", size="sm")
            self.files = gr.File(label="Files", visible=False, interactive=False)
            self.recipe = copyable()

    def wire(self, seen: Any, bars: Any, tabs: Any) -> None:
        """Connect what happens in this tab, and that a bar leads here.

        Args:
            seen: Component with the image.
            bars: Component whose bars choose concepts.
            tabs: Component of the tabs.
        """
        inputs, outputs = [seen, self.corpus, self.foil], [self.map, *self.recipe]
        self.ask.click(self.show, inputs, outputs, **SLOW)
        for box in (self.corpus, self.foil):
            box.submit(self.show, inputs, outputs, **SLOW)
        chosen = bars.click(self.choose, None, [self.corpus, tabs], queue=False, show_progress="hidden")
        chosen.success(self.show, inputs, outputs, **SLOW)
        self.export.click(self.write, inputs, self.files, **SLOW)

    def choose(self, event: gr.EventData) -> tuple[str, Any]:
        """Return the text of a concept that was chosen, and this tab.

        Args:
            event: Says which one.
        """
        return prompt_of(str(event.pick)), gr.Tabs(selected="pixels")

    @in_a_sentence
    def show(self, seen: Seen, corpus: str, foil: str) -> tuple[str, ...]:
        """Return image and map, and how they are made.

        Args:
            seen: The image.
            corpus: A text.
            foil: A text; empty: all concepts.
        """
        found = explain(self.model, seen, corpus, foil)
        assert seen.image is not None
        reliability = float(found.reliability[0])
        sure = f"Reliability {reliability:.2f}" if reliability == reliability else "Reliability unknown"
        low = " This is low: two halves of the masks give different maps." if reliability < RELIABLE else ""
        pair = markup.picture(address(seen.image, SIDE), f"the image {seen.name}") + markup.picture(
            address(overlay(found), SIDE), f"map: {found.target}", found.target
        )
        masks = getattr(method_within(self.model), "num_masks", None)
        by = f", by {masks} masks" if masks else ""
        numbers = f"Similarity with the corpus, less with the foil: {float(found.similarity[0]):.3f}. {sure}{by}.{low}"
        return (
            f'<div class="sx-pair">{pair}</div>{markup.sentence(numbers)}',
            *both(of_map(self.model, seen, corpus.strip(), foil.strip())),
        )

    @in_a_sentence
    def write(self, seen: Seen, corpus: str, foil: str) -> Any:
        """Return the files of figure and numbers.

        Args:
            seen: The image.
            corpus: A text.
            foil: A text; empty: all concepts.
        """
        found = explain(self.model, seen, corpus, foil)
        values = found.maps[0].numpy()
        rows, columns = np.indices(values.shape)
        table = pd.DataFrame({"row": rows.ravel(), "column": columns.ravel(), "attribution": values.ravel()})
        files = write(f"map_{seen.name}_{corpus}", table, map_figure(found))
        return gr.File([str(path) for path in files], visible=True)
