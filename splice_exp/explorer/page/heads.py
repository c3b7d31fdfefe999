"""Attention heads: what each writes, in concepts and images; and the model without what they write of a concept."""

from __future__ import annotations

from typing import Any

import pandas as pd

from splice_exp.core.errors import SpliceError
from splice_exp.core.packages.web import gr
from splice_exp.core.plotting import PALETTE
from splice_exp.explorer import markup
from splice_exp.explorer.exports import bar_figure, write
from splice_exp.explorer.heads import Cell, Direction, directions, overview, shape_of, words_of
from splice_exp.explorer.model import Explorer, Seen
from splice_exp.explorer.page.parts import SLOW, both, copyable, in_a_sentence, items, pickable, shown
from splice_exp.explorer.recipes import of_head, of_silence
from splice_exp.explorer.silence import Silence, effect, save

CLASSES = 12  # that are shown, those that change most
HINT = "Choose a head: what it writes in either direction, in concepts and in images."


class Heads:
    """The tab of heads.

    Args:
        model: What is looked at.
    """

    def __init__(self, model: Explorer) -> None:
        self.model = model
        self.layers = _layers(model)
        self.grid = pickable(elem_id="grid")
        with gr.Column(visible=self.layers > 0):
            self.directions = pickable(markup.sentence(HINT), elem_id="directions")
            self.recipe = copyable()
            with gr.Row():
                self.concept = gr.Textbox("", label="Silence a concept", placeholder="grass", elem_id="silence")
                self.depth = gr.Slider(
                    1, max(2, self.layers), 1, step=1, label="Layers", info="nearest to the output", elem_id="depth"
                )
                self.share = gr.Slider(0.01, 0.5, 0.1, step=0.01, label="Share of vectors", elem_id="share")
            self.apply = gr.Button("Silence it", variant="primary", elem_id="apply")
            self.effect = shown(elem_id="effect")
            with gr.Row():
                self.name = gr.Textbox(
                    "", label="Save the edited model as", placeholder="without_grass", elem_id="name"
                )
                self.save = gr.Button("Save", elem_id="save", min_width=90)
            self.saved = shown(elem_id="saved")
            self.export = gr.Button("Figure and numbers as files", size="sm")
            self.files = gr.File(label="Files", visible=False, interactive=False)
            self.silenced = copyable()

    def wire(self, seen: Any, tab: Any) -> None:
        """Connect what happens in this tab alone.

        Args:
            seen: Component with the image.
            tab: The tab itself, which computes its overview when it is first looked at.
        """
        tab.select(self.show, None, self.grid, **SLOW)
        self.grid.click(self.choose, None, [self.directions, *self.recipe], **SLOW)
        silence = [self.concept, self.depth, self.share]
        outputs = [self.effect, *self.silenced]
        self.apply.click(self.silence, [seen, *silence], outputs, **SLOW)
        self.concept.submit(self.silence, [seen, *silence], outputs, **SLOW)
        self.save.click(self.write_model, [*silence, self.name], self.saved, **SLOW)
        self.name.submit(self.write_model, [*silence, self.name], self.saved, **SLOW)
        self.export.click(self.write, [seen, *silence], self.files, **SLOW)

    def show(self) -> str:
        """Return the table of layers and heads, or why there is none."""
        try:
            return grid(overview(self.model))
        except SpliceError as error:
            return markup.sentence(str(error))

    def choose(self, event: gr.EventData) -> tuple[str, ...]:
        """Return the directions of a head that was clicked.

        Args:
            event: Says which one.
        """
        layer, head = (int(one) for one in str(event.pick).split(","))
        return self.describe(layer, head)

    @in_a_sentence
    def describe(self, layer: int, head: int) -> tuple[str, ...]:
        """Return what a head writes, and how that is read.

        Args:
            layer: Counted from 0 at the input.
            head: Counted from 0.
        """
        found = directions(self.model, layer, head)
        rows = [
            (name, f"{one.singular_value:.2f}", concepts, self._images(one))
            for one, (name, concepts) in zip(found, words_of(found), strict=True)
        ]
        headings = ["direction", "singular value", "concepts", "images in which it is written most"]
        page = markup.table(headings, rows, f"Layer {layer}, head {head}: both signed directions of its vectors")
        return page, *both(of_head(self.model, layer, head))

    def _images(self, direction: Direction) -> markup.Markup:
        return markup.Markup(markup.gallery(items(self.model, list(direction.rows))))

    @in_a_sentence
    def silence(self, seen: Seen, concept: str, layers: int, share: float) -> tuple[str, ...]:
        """Return how classes change without what heads write of a concept.

        Args:
            seen: The image that is looked at.
            concept: Its name.
            layers: How many.
            share: Of their vectors.
        """
        what = Silence(concept.strip(), int(layers), float(share))
        found = effect(self.model, what, seen)
        about = (
            f"{found.report.num_edited} of {found.report.num_vectors} vectors edited, relative squared norm "
            f"{found.report.energy:.3f}. {100 * found.changed:.1f} % of {sum(found.count)} images are classified "
            f"otherwise; accuracy {100 * _mean(found.before, found.count):.1f} % before, "
            f"{100 * _mean(found.after, found.count):.1f} % after."
        )
        rows = [
            (name, count, markup.share_bar(before, PALETTE[0]), markup.share_bar(after, PALETTE[4]))
            for name, count, before, after in sorted(
                zip(found.classes, found.count, found.before, found.after, strict=True),
                key=lambda one: -abs(one[3] - one[2]),
            )
        ]
        headings = ["class", "n", "accuracy before", "after"]
        page = markup.sentence(about) + markup.table(headings, rows[:CLASSES], "Classes that change most")
        if found.own is not None:
            shown_classes = found.own.amax(dim=0).topk(min(5, found.own.shape[1])).indices.tolist()
            names = self.model.study.embeddings.classes
            own = [
                (names[one], *(markup.share_bar(float(found.own[state, one]), PALETTE[4 * state]) for state in (0, 1)))
                for one in shown_classes
            ]
            page += markup.table(["class", "before", "after"], own, f"Predicted probabilities of {seen.name}")
        return page, *both(of_silence(self.model, what))

    @in_a_sentence
    def write_model(self, concept: str, layers: int, share: float, name: str) -> str:
        """Return where the edited model was written.

        Args:
            concept: Its name.
            layers: How many.
            share: Of their vectors.
            name: Of the folder.
        """
        where = save(self.model, Silence(concept.strip(), int(layers), float(share)), name)
        return markup.sentence(f"Saved. It loads as {where}")

    @in_a_sentence
    def write(self, seen: Seen, concept: str, layers: int, share: float) -> Any:
        """Return the files of figure and numbers of an edit.

        Args:
            seen: The image that is looked at.
            concept: Its name.
            layers: How many.
            share: Of their vectors.
        """
        found = effect(self.model, Silence(concept.strip(), int(layers), float(share)))
        columns = {"class": found.classes, "n": found.count, "before": found.before, "after": found.after}
        groups = {"before": list(found.before), "after": list(found.after)}
        figure = bar_figure(f"Without {concept.strip()}", list(found.classes), groups, "accuracy")
        files = write(f"without_{concept}", pd.DataFrame(columns), figure)
        return gr.File([str(path) for path in files], visible=True)


def grid(cells: tuple[Cell, ...]) -> str:
    """Return a table of layers and heads: each head is a button with the first concepts of its first vector."""
    layers = sorted({one.layer for one in cells}, reverse=True)
    most = max(one.share for one in cells)
    rows = []
    for layer in layers:
        buttons = "".join(_button(one, one.share / most) for one in cells if one.layer == layer)
        rows.append(f"<tr><th>layer {layer}</th>{buttons}</tr>")
    return f'<div class="sx-wide"><table class="sx-heads">{"".join(rows)}</table></div>'


def _button(cell: Cell, strength: float) -> str:
    words = " / ".join(cell.concepts) or "–"
    about = f"layer {cell.layer}, head {cell.head}: {100 * cell.share:.1f} % of all squared singular values"
    style = f"background:color-mix(in srgb, {PALETTE[0]} {100 * 0.35 * strength:.0f}%, transparent)"
    return (
        f'<td><button type="button" data-pick="{cell.layer},{cell.head}" title="{markup.text(about)}" style="{style}">'
        f"H{cell.head} {markup.text(words)}</button></td>"
    )


def _layers(model: Explorer) -> int:
    try:
        return shape_of(model)[0]
    except SpliceError:
        return 0


def _mean(shares: tuple[float, ...], counts: tuple[int, ...]) -> float:
    return sum(share * count for share, count in zip(shares, counts, strict=True)) / max(1, sum(counts))
