"""SITH in a notebook: load once, read heads, edit them by concept, and save the edited model for open_clip.

from splice_exp import Reading, Sith

sith = Sith.load()                                              # the synthetic benchmark
sith.read().table()                                             # both signs of all vectors of the last layer
other, report = sith.edit(["grass", "sand", "water"])           # without what is about these
Sith.load(other.save("edited"))                                 # local-dir:edited, here and in open_clip
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.core.assets import LOCAL
from splice_exp.core.errors import SpliceError
from splice_exp.core.io import atomic
from splice_exp.core.tensors import write_tensors
from splice_exp.dictionaries.load import CONCEPTS_FILE, ExplainedModel
from splice_exp.embeddings.official_means import MEAN_FILE
from splice_exp.heads.edit import EditReport
from splice_exp.heads.editing import edited, plan
from splice_exp.heads.explain import POLES
from splice_exp.heads.reading import ReadHeads, Reading
from splice_exp.heads.rules import Rule
from splice_exp.heads.selectors import ByCodes, Selector
from splice_exp.solvers.comp import COMP

CONCEPTS = 3  # of a direction, in the report of an edit


class Sith(ExplainedModel):
    """A model whose heads are read and edited, and the dictionary that explains them.

    Args:
        backbone: A model of open_clip whose image tower, or text tower, is a Transformer.
        dictionary: Atoms in its joint space.
        mean: μ of image embeddings; None: read with `projection="linear"`, which takes none away.
        solver: Finds codes; by default COMP with five concepts.
    """

    default_solver = COMP

    def read(self, reading: Reading | None = None) -> ReadHeads:
        """Explain both signed directions of the singular vectors of heads.

        Args:
            reading: Which heads, and how; by default all of the last layer.

        Returns:
            The concepts of each signed direction, and the vectors they belong to.

        Raises:
            SpliceError: if there are no such heads, or the reading needs what is missing.

        Example:
            >>> found = Sith.load().read(Reading([-1], vectors=1))
            >>> found.names[:3]
            ('L4.H0.0+', 'L4.H0.0−', 'L4.H1.0+')
            >>> "yellow" in found.table().concepts[0]
            True
        """
        reading = self._checked(reading)
        return reading.read(self.backbone, self.dictionary, self.solver, self._mean())

    def edit(
        self,
        selector: Selector | Sequence[str],
        rule: Rule | None = None,
        reading: Reading | None = None,
        constants: str = "edited",
    ) -> tuple[Sith, EditReport]:
        """Return a model whose heads write less, or otherwise, about something, and what was done; this one stays.

        Args:
            selector: Scores vectors; or names of concepts that their codes are compared with.
            rule: Turns scores into factors; by default a quarter of the vectors, the highest scores, is removed, or,
                of a list, the vectors and heads that it names.
            reading: Which heads, and how; by default all of the last layer.
            constants: Whether what heads write whatever they read is `edited`, too, or `kept`.

        Raises:
            SpliceError: if names are not in the dictionary, or the reading is not of all that heads write.
        """
        if isinstance(selector, str):
            raise SpliceError(
                f"selector is {selector!r}, but must be a list of concepts, [{selector!r}], or a Selector."
            )
        chosen = selector if isinstance(selector, Selector) else ByCodes(tuple(selector))
        rule = chosen.rule if rule is None else rule
        reading = self._checked(reading)
        reading.require_all()  # before anything is read
        planned = plan(self.read(reading), chosen, rule)
        backbone, report = edited(self.backbone, planned.spectra, planned.factors, constants)
        read = planned.explanations.top(CONCEPTS)
        named = dict(zip((f"{name}{sign}" for name in planned.spectra.names for sign in POLES), read, strict=True))
        concepts = {
            f"{name}{sign}": tuple(concept for concept, _ in named[f"{name}{sign}"])
            for name in report.names
            for sign in POLES
        }
        return Sith(backbone, self.dictionary, self.mean, self.solver), replace(report, concepts=concepts)

    def save(self, folder: str | Path) -> str:
        """Write the model as an ordinary checkpoint of open_clip, and beside it the concepts and the image mean.

        Args:
            folder: Made if it does not exist.

        Returns:
            The name by which it loads, `local-dir:FOLDER`: by `Sith.load` and `Splice.load` with its concepts and its
            mean, by open_clip without them.

        Raises:
            SpliceError: if the model is none of open_clip.
        """
        from splice_exp.backbones.checkpoint import save_checkpoint  # late: open_clip takes seconds
        from splice_exp.backbones.open_clip import OpenClipBackbone

        if not isinstance(self.backbone, OpenClipBackbone):
            raise SpliceError(f"{self.backbone.backbone_id} is no model of open_clip, which alone can be saved.")
        save_checkpoint(self.backbone, Path(folder))
        with atomic(Path(folder) / CONCEPTS_FILE) as temporary:
            temporary.write_text("".join(f"{concept}\n" for concept in self.dictionary.concepts), encoding="utf-8")
        if self.mean is not None:
            write_tensors(Path(folder) / MEAN_FILE, {"mean": self.mean})
        return f"{LOCAL}{folder}"

    def _checked(self, reading: Reading | None) -> Reading:
        if reading is None:
            reading = Reading(projection="published" if self.mean is not None else "linear")
        if reading.projection == "jacobian":
            raise SpliceError("projection is 'jacobian', which needs images: take it in an experiment, or 'linear'.")
        if reading.is_centred and self.mean is None:
            raise SpliceError(
                "projection is 'published', which needs the image mean: give Sith.load a mean "
                "(python -m splice_exp estimate-mean), or set projection='linear'."
            )
        return reading

    def _mean(self) -> Float[Tensor, " e"]:
        return torch.zeros(self.backbone.dim) if self.mean is None else self.mean
