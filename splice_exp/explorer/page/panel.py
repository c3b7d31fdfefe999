"""The image that is looked at: chosen from the data, by its name, or uploaded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from splice_exp.backbones.drawings_only import WHY, is_drawings_only
from splice_exp.core.errors import SpliceError
from splice_exp.core.packages.web import gr
from splice_exp.explorer import markup
from splice_exp.explorer.markup import LARGE, address
from splice_exp.explorer.model import NO_TOWER, Explorer, Seen
from splice_exp.explorer.page.parts import FAST, in_a_sentence, items, pickable, picked, shown
from splice_exp.explorer.path import END

COUNT = 24  # samples in the gallery
STEP = 0.001  # of the penalty


def penalty_slider(model: Explorer) -> Any:
    """Return the slider that follows the path of the image."""
    about = "less: more concepts"
    return gr.Slider(END, 1.0, model.penalty, step=STEP, label="Penalty", info=about, elem_id="penalty", render=False)


class Panel:
    """The left side of the page.

    Args:
        model: What is looked at.
        penalty: Component of the penalty.
        allowed: Folders from which images may be opened by their paths.
    """

    def __init__(self, model: Explorer, penalty: Any, allowed: Sequence[Path] = ()) -> None:
        self.model, self.allowed = model, tuple(folder.resolve() for folder in allowed)
        self.penalty = penalty
        self.seen = gr.State(None)
        self.current = shown(elem_id="current")
        self.start = gr.State(0)
        self.gallery = pickable(markup.gallery(items(model, self._page(0))), elem_id="gallery")
        with gr.Row():
            self.earlier = gr.Button("Earlier", size="sm", min_width=80)
            self.later = gr.Button("Later", size="sm", min_width=80)
        self.named = gr.Textbox(
            "", label="Sample", placeholder="number, name, or file", submit_btn=True, elem_id="sample"
        )
        if model.has_tower:
            self.upload = gr.File(label="Your image", file_types=["image"], height=110, elem_id="upload")
        else:
            self.upload = None
            shown(markup.sentence(NO_TOWER))
        for button, step in ((self.earlier, -COUNT), (self.later, COUNT)):
            button.click(self._turn(step), self.start, [self.start, self.gallery], **FAST)

    def _page(self, start: int) -> list[int]:
        return list(range(start, min(start + COUNT, len(self.model))))

    def _turn(self, step: int) -> Any:
        def turn(start: int) -> tuple[int, str]:
            last = (len(self.model) - 1) // COUNT * COUNT
            start = min(max(0, start + step), last)
            return start, markup.gallery(items(self.model, self._page(start)))

        return turn

    @property
    def outputs(self) -> list[Any]:
        """What changes when another image is looked at."""
        return [self.seen, self.current, self.penalty]

    def choose(self, penalty: float, event: gr.EventData) -> tuple[Any, ...]:
        """Look at a sample whose image was clicked.

        Args:
            penalty: That is set.
            event: Says which one.

        Returns:
            Values of `outputs`.
        """
        return self.look(self.model.sample(int(picked(event))), penalty)

    @in_a_sentence
    def find(self, text: str, penalty: float) -> tuple[Any, ...]:
        """Look at a sample by its number or name, or at a file in one of the folders that were given.

        Args:
            text: Number, name or path.
            penalty: That is set.

        Returns:
            Values of `outputs`.
        """
        path = Path(text.strip()).expanduser()
        if path.suffix and text.strip() not in self.model.study.embeddings.sample_ids:
            return self.look(self.model.photo(self._allowed(path)), penalty)
        return self.look(self.model.sample(self.model.row_named(text)), penalty)

    def _allowed(self, path: Path) -> Path:
        """Return where a file is.

        Raises:
            SpliceError: if that is in none of the folders that may be looked into, or there is none.
        """
        found = path.resolve()
        if not any(found.is_relative_to(folder) for folder in self.allowed):
            raise SpliceError(
                f"{path.name!r} is no sample, and files are opened only from folders that were given with --allow."
            )
        if not found.is_file():
            raise SpliceError(f"{path.name!r} is not there.")
        return found

    @in_a_sentence
    def open(self, path: str, penalty: float) -> tuple[Any, ...]:
        """Look at an upload.

        Args:
            path: Where it lies.
            penalty: That is set.

        Returns:
            Values of `outputs`.
        """
        return self.look(self.model.photo(path), penalty)

    def first(self, penalty: float) -> tuple[Any, ...]:
        """Look at the first sample.

        Args:
            penalty: That is set.

        Returns:
            Values of `outputs`.
        """
        return self.look(self.model.sample(0), penalty)

    def look(self, seen: Seen, penalty: float) -> tuple[Any, ...]:
        """Look at an image.

        Args:
            seen: The image.
            penalty: That is set; it stays, if there are codes at it.

        Returns:
            Values of `outputs`.
        """
        most = max(END + STEP, math.ceil(seen.path.largest / STEP) * STEP)
        return seen, self._about(seen), gr.Slider(maximum=round(most, 3), value=min(penalty, round(most, 3)))

    def _about(self, seen: Seen) -> str:
        """Write the image, and what the data say of it."""
        known = [] if seen.row is None else [self.model.class_of(seen.row), self.model.caption(seen.row)]
        note = " · ".join(one for one in (seen.name, *known) if one)
        parts = [
            markup.sentence(note)
            if seen.image is None
            else markup.picture(address(seen.image, LARGE), f"the image {seen.name}", note)
        ]
        truth = self.model.study.truth
        if truth is not None and seen.row is not None:
            parts.append(markup.sentence(f"In the image: {', '.join(sorted(truth.concepts(seen.row)))}."))
        if seen.row is None and is_drawings_only(getattr(self.model.backbone, "model", "")):
            parts.append(markup.sentence(WHY))
        return "".join(parts)
