"""The whole page: an image on the left, what is asked of it in tabs on the right, and what follows from what."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from splice_exp.backbones.load import model_name
from splice_exp.core.packages.web import gr
from splice_exp.explorer import markup
from splice_exp.explorer.model import Explorer, Seen
from splice_exp.explorer.page.concepts import Concepts
from splice_exp.explorer.page.panel import Panel, penalty_slider
from splice_exp.explorer.page.parts import FAST, in_a_sentence, shown

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
                    with gr.Tabs(elem_id="views") as self.tabs, gr.Tab("Concepts", id="concepts"):
                        self.concepts = Concepts(model)
            self._wire()

    def _header(self) -> str:
        study, model = self.model.study, self.model
        about = (
            f"{model_name(model.setup.backbone)} · {study.data.name}, {len(model):,} samples · "
            f"{len(study.dictionary):,} concepts · image mean: {study.source_of_mean}"
        )
        return f'<header class="sx-header"><h1>Explore</h1>{markup.sentence(about)}</header>'

    def _wire(self) -> None:
        panel = self.panel
        chosen = [
            panel.gallery.click(panel.choose, panel.penalty, panel.outputs, **FAST),
            panel.named.submit(panel.find, [panel.named, panel.penalty], panel.outputs, **FAST),
            self.page.load(panel.first, panel.penalty, panel.outputs, **FAST),
        ]
        if panel.upload is not None:
            chosen.append(panel.upload.upload(panel.open, [panel.upload, panel.penalty], panel.outputs, **FAST))
        for event in chosen:
            event.success(self.refresh, self._inputs, self._outputs, **FAST)
        panel.penalty.input(self.refresh, self._inputs, self._outputs, trigger_mode="always_last", **FAST)
        self.concepts.wire(panel.seen, panel.penalty)

    @property
    def _inputs(self) -> list[Any]:
        return [self.panel.seen, self.panel.penalty]

    @property
    def _outputs(self) -> list[Any]:
        return self.concepts.outputs

    @in_a_sentence
    def refresh(self, seen: Seen, penalty: float) -> tuple[Any, ...]:
        """Return all that follows from an image and a penalty.

        Args:
            seen: The image.
            penalty: L.
        """
        return self.concepts.show(seen, penalty)
