"""The whole page: an image on the left, what is asked of it in tabs on the right, and what follows from what."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from splice_exp.backbones.load import model_name
from splice_exp.core.packages.web import gr
from splice_exp.explorer import markup
from splice_exp.explorer.model import Explorer, Seen
from splice_exp.explorer.page.change import Changes
from splice_exp.explorer.page.collection import Collection
from splice_exp.explorer.page.compare import Compare
from splice_exp.explorer.page.concepts import Concepts
from splice_exp.explorer.page.heads import Heads
from splice_exp.explorer.page.panel import Panel, penalty_slider
from splice_exp.explorer.page.parts import ASKED, FAST, in_a_sentence, shown
from splice_exp.explorer.page.pixels import Pixels

TITLE = "splice_exp: explore"
FORGOTTEN = 3600  # seconds after which uploads and files are removed


class App:
    """The page of a model.

    Args:
        model: What is looked at; shared by all who look.
        allowed: Folders from which images may be opened by their paths.
    """

    def __init__(self, model: Explorer, allowed: Sequence[Path] = ()) -> None:
        self.model = model
        with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(FORGOTTEN, FORGOTTEN)) as self.page:
            shown(self._header())
            penalty = penalty_slider(model)
            with gr.Row():
                with gr.Column(scale=2, min_width=300):
                    self.panel = Panel(model, penalty, allowed)
                with gr.Column(scale=4, min_width=300):
                    penalty.render()
                    with gr.Tabs(elem_id="views") as self.tabs:
                        self._views()
            self._wire()

    def _views(self) -> None:
        model = self.model
        with gr.Tab("Concepts", id="concepts"):
            self.concepts = Concepts(model)
        with gr.Tab("Pixels", id="pixels"):
            self.pixels = Pixels(model)
        with gr.Tab("Compare", id="compare"):
            self.compare = Compare(model)
        with gr.Tab("Change", id="change"):
            self.changes = Changes(model)
        with gr.Tab("Data", id="data"):
            self.collection = Collection(model)
        with gr.Tab("Heads", id="heads") as self.head_tab:
            self.heads = Heads(model)

    def _header(self) -> str:
        study, model = self.model.study, self.model
        about = (
            f"{model_name(model.setup.backbone)} · {study.data.name}, {len(model):,} samples · "
            f"{len(study.dictionary):,} concepts · image mean: {study.source_of_mean}"
        )
        return f'<header class="sx-header"><h1>Explore</h1>{markup.sentence(about)}</header>'

    def _wire(self) -> None:
        panel, seen, penalty = self.panel, self.panel.seen, self.panel.penalty
        found = (self.changes.images, self.collection.results, self.collection.users, self.heads.directions)
        chosen = [
            *(one.click(panel.choose, penalty, panel.outputs, **FAST) for one in (panel.gallery, *found)),
            panel.named.submit(panel.find, [panel.named, penalty], panel.outputs, **ASKED),
            self.page.load(panel.first, penalty, panel.outputs, **FAST),
        ]
        if panel.upload is not None:
            chosen.append(panel.upload.upload(panel.open, [panel.upload, penalty], panel.outputs, **ASKED))
        for event in chosen:
            event.success(self.refresh, self._inputs, self._outputs, **FAST)
        penalty.input(self.refresh, self._inputs, self._outputs, trigger_mode="always_last", **FAST)
        self.concepts.wire(seen, penalty)
        self.pixels.wire(seen, self.concepts.bars, self.tabs)
        self.compare.wire(seen, penalty)
        self.changes.wire(seen, penalty)
        self.collection.wire()
        self.heads.wire(seen, self.head_tab)

    @property
    def _inputs(self) -> list[Any]:
        return [self.panel.seen, self.panel.penalty, self.compare.kept, *self.changes.inputs]

    @property
    def _outputs(self) -> list[Any]:
        return [*self.concepts.outputs, *self.compare.outputs, *self.changes.outputs]

    @in_a_sentence
    def refresh(
        self, seen: Seen, penalty: float, kept: Seen | None, off: Sequence[str], to: str, classes: str
    ) -> tuple[Any, ...]:
        """Return all that follows from an image and a penalty.

        Args:
            seen: The image.
            penalty: L.
            kept: The image that it is compared with, if there is one.
            off: Concepts that are switched off.
            to: Concepts that are set.
            classes: Names that are told apart.
        """
        return (
            *self.concepts.show(seen, penalty),
            *self.compare.show(kept, seen, penalty),
            *self.changes.show(seen, penalty, off, to, classes),
        )
