"""The data set by its codes: a search, a concept by class, a class by concepts, and what comes with a class."""

from __future__ import annotations

from typing import Any

import pandas as pd

from splice_exp.core.packages.web import gr
from splice_exp.core.plotting import PALETTE
from splice_exp.explorer import markup
from splice_exp.explorer.collection import by_class, concepts_of, histogram, spurious_pairs, users_of
from splice_exp.explorer.exports import bar_figure, write
from splice_exp.explorer.expressions import EXAMPLE, search
from splice_exp.explorer.model import Explorer
from splice_exp.explorer.page.parts import ASKED, SLOW, both, copyable, in_a_sentence, items, pickable, shown
from splice_exp.explorer.recipes import of_classes, of_search

SHOWN = 48  # samples that a search shows
USERS = 12  # samples of a concept
CLASSES = 15  # of a concept that are shown


class Collection:
    """The tab of the data set.

    Args:
        model: What is looked at.
    """

    def __init__(self, model: Explorer) -> None:
        self.model = model
        classes = list(model.study.embeddings.classes) if model.study.embeddings.labels is not None else []
        shown(markup.sentence(f"Codes of all {len(model):,} samples, by {type(model.study.solver).__name__}."))
        self.expression = gr.Textbox("", label="Search", placeholder=EXAMPLE, submit_btn=True, elem_id="search")
        self.count = shown(elem_id="count")
        self.results = pickable(elem_id="results")
        self.searched = copyable()
        with gr.Row():
            self.concept = gr.Textbox("", label="Concept", placeholder="grass", submit_btn=True, elem_id="concept")
            self.of_class = gr.Dropdown(classes, label="Class", value=None, visible=bool(classes), elem_id="class")
        self.users = pickable(elem_id="users")
        self.described = shown(elem_id="described")
        self.spurious = gr.Button("Which concepts come with a class?", size="sm", elem_id="spurious")
        self.pairs = pickable(elem_id="pairs")
        self.export = gr.Button("Figure and numbers as files", size="sm")
        self.files = gr.File(label="Files", visible=False, interactive=False)
        self.recipe = copyable()

    def wire(self) -> None:
        """Connect what happens in this tab alone."""
        self.expression.submit(self.find, self.expression, [self.count, self.results, *self.searched], **ASKED)
        outputs = [self.users, self.described, *self.recipe]
        inputs = [self.concept, self.of_class]
        self.concept.submit(self.describe, inputs, outputs, **ASKED)
        self.of_class.input(self.describe, inputs, outputs, **ASKED)
        self.spurious.click(self.show_pairs, None, self.pairs, **SLOW)
        self.pairs.click(self.choose, None, self.concept, **ASKED).success(self.describe, inputs, outputs, **ASKED)
        self.export.click(self.write, inputs, self.files, **SLOW)

    @in_a_sentence
    def find(self, text: str) -> tuple[str, ...]:
        """Return how many samples a search finds, the first of them, and how it is done.

        Args:
            text: The search.
        """
        rows = search(self.model.study.decomposition.codes, text)
        more = f", the first {SHOWN} of them" if len(rows) > SHOWN else ""
        count = markup.sentence(f"{len(rows):,} of {len(self.model):,} samples{more}:")
        return count, markup.gallery(items(self.model, rows[:SHOWN])), *both(of_search(self.model, text))

    @in_a_sentence
    def describe(self, concept: str, name: str | None) -> tuple[str, ...]:
        """Return who uses a concept most, how much of it each class has, and what a class is made of.

        Args:
            concept: Its name; may be empty.
            name: Of the class, if one is chosen.
        """
        concept, users, parts = concept.strip(), "", list[str]()
        if concept:
            gallery = markup.gallery(items(self.model, users_of(self.model, concept)[:USERS]))
            users = markup.sentence(f"Images that use {concept} most:") + gallery
            parts += self._of_concept(concept)
        if name:
            parts.append(self._of_class(name))
        page = "".join(parts) or markup.sentence("Write a concept, or choose a class.")
        return users, page, *both(of_classes(self.model, concept, name))

    def _of_concept(self, concept: str) -> list[str]:
        """Return how much of a concept each class has, where there are classes, and how its codes are distributed."""
        bins = histogram(self.model, concept)
        most = max((count for _, _, count in bins), default=0) or 1
        lines = [(f"{low:.3f} to {high:.3f}", markup.count_bar(n, n / most, PALETTE[0])) for low, high, n in bins]
        distribution = markup.table(["code", "samples"], lines, f"Codes of {concept}, where it is active")
        if self.model.study.embeddings.labels is None:
            return [distribution]
        rows = [
            (one.name, one.count, one.mean, markup.share_bar(one.active, PALETTE[0]))
            for one in by_class(self.model, concept)[:CLASSES]
            if one.active
        ]
        return [markup.table(["class", "n", "mean code", "active"], rows, f"{concept} by class"), distribution]

    def _of_class(self, name: str) -> str:
        """Return the largest mean codes of a class."""
        found = concepts_of(self.model, name)
        most = max((value for _, value in found), default=1.0)
        rows = [(concept, markup.signed_bar(value, value / most, PALETTE[0])) for concept, value in found]
        return markup.table(["concept", "mean code"], rows, f"What {name} is made of")

    def choose(self, event: gr.EventData) -> str:
        """Return the concept of a pair that was clicked.

        Args:
            event: Says which one.
        """
        return str(event.pick)

    @in_a_sentence
    def show_pairs(self) -> str:
        """Return the concepts that come with a class most, and do not name it."""
        pairs = spurious_pairs(self.model)
        with_truth = any(one.true_inside is not None for one in pairs)
        rows = [
            (
                markup.choice(one.concept, one.concept),
                one.of_class,
                one.correlation,
                markup.share_bar(one.inside, PALETTE[0]),
                markup.share_bar(one.outside, PALETTE[5]),
                *((_share(one.true_inside), _share(one.true_outside)) if with_truth else ()),
            )
            for one in pairs
        ]
        truth = ["true of the class", "true of others"] if with_truth else []
        headings = ["concept", "class", "correlation", "active in the class", "active in others", *truth]
        return markup.table(headings, rows, "Concepts that come with a class, and do not name it: possible shortcuts")

    @in_a_sentence
    def write(self, concept: str, name: str | None) -> Any:
        """Return the files of figure and numbers: of the concept by class, or else of the class.

        Args:
            concept: Its name; may be empty.
            name: Of the class, if one is chosen.
        """
        if concept.strip() and self.model.study.embeddings.labels is not None:
            found = by_class(self.model, concept)
            rows = [(one.name, one.count, one.active, one.mean) for one in found]
            table = pd.DataFrame(rows, columns=["class", "n", "active", "mean code"])
            title, names, values = (
                f"{concept.strip()} by class",
                [one.name for one in found],
                [one.mean for one in found],
            )
        elif name:
            largest = concepts_of(self.model, name)
            table = pd.DataFrame(largest, columns=["concept", "mean code"])
            title, names = f"What {name} is made of", [one for one, _ in largest]
            values = [one for _, one in largest]
        else:
            files = write("concepts_and_classes", pd.DataFrame([vars(one) for one in spurious_pairs(self.model)]))
            return gr.File([str(path) for path in files], visible=True)
        figure = bar_figure(title, names[:CLASSES], {"mean code": values[:CLASSES]}, "mean code")
        files = write(title, table, figure)
        return gr.File([str(path) for path in files], visible=True)


def _share(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} %"
