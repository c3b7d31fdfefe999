"""A model, its data and its dictionary, as the explorer looks at them: read-only, shared by all who look.

What does not depend on a user is computed once, here; a view is a function of it and of the choices of one user.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from splice_exp.attribution.methods import Method
from splice_exp.attribution.removal import Removal
from splice_exp.backbones.base import Backbone
from splice_exp.build import build
from splice_exp.core.errors import SpliceError
from splice_exp.core.types import Solution, Status
from splice_exp.data.base import EncodableSource
from splice_exp.data.pictures import as_picture
from splice_exp.decomposition.model import Splice
from splice_exp.decomposition.splice import Decomposition
from splice_exp.decomposition.study import Setup, Study
from splice_exp.distributed.cache import Cache
from splice_exp.embeddings.geometry import center
from splice_exp.explorer.path import END, ExactPath, Follower
from splice_exp.explorer.settings import composed
from splice_exp.solvers.objective import lasso_certificate

NO_IMAGES = "These data are embeddings without images, so there is nothing to show here: take images, as data=scenes."
NO_TOWER = (
    "This backbone has no image tower, which this view needs: take backbone=scenes_clip, or another model of open_clip."
)
DEFAULT_PENALTY = 0.25  # where a page begins, for a solver without a penalty
COMPONENTS = ("solver", "trainer", "backbone", "data", "vocabulary", "dictionary", "alignment", "method", "removal")


@dataclass(frozen=True, eq=False)
class Seen:
    """One image that a user looks at.

    Attributes:
        name: Of the sample, or of the file.
        row: Which sample it is; None for an upload.
        features: Its embedding, a unit row.
        target: The same, centred.
        path: Codes at any penalty.
        image: Its pixels, where there are any.
    """

    name: str
    row: int | None
    features: Float[Tensor, "1 d"]
    target: Float[Tensor, "1 d"]
    path: ExactPath
    image: Image.Image | None


class Explorer:
    """All that the views need.

    Args:
        config: Resolved configuration.
        overrides: From which it was composed, as they were typed.

    Raises:
        SpliceError: as a component words it that refuses its arguments.
    """

    def __init__(self, config: Mapping[str, Any], overrides: Sequence[str] = ()) -> None:
        parts = {name: build(config[name], name, config, config["trust"]) for name in COMPONENTS}
        self.config, self.overrides = config, tuple(overrides)
        self.method: Method = parts["method"]
        self.removal: Removal = parts["removal"]
        self.setup = Setup(**{name: parts[name] for name in Setup.__dataclass_fields__})
        self.study = Study(self.setup, Cache(Path(config["paths"]["cache"]), parts["trainer"], repair=config["repair"]))

    def prepare(self) -> Explorer:
        """Return the same explorer, when what every view needs is computed: embeddings, dictionary, codes."""
        self.sample(0)  # compiled code is read now, and not when someone waits
        return self

    @property
    def backbone(self) -> Backbone:
        """The backbone, on the device of the study."""
        return self.study.backbone

    @cached_property
    def follower(self) -> Follower:
        """Follows paths over the dictionary."""
        return Follower(self.study.dictionary.atoms, self.setup.solver.nonnegative)

    @property
    def subtracted(self) -> Float[Tensor, " d"]:
        """What is taken from embeddings before they are decomposed: μ, or zero."""
        return self.study.decomposition.image_mean

    @cached_property
    def has_images(self) -> bool:
        """Whether samples are images."""
        data = self.study.data
        return isinstance(data, EncodableSource) and isinstance(data.inputs(0, 1)[0], Image.Image)

    @property
    def has_tower(self) -> bool:
        """Whether the backbone looks at pixels."""
        return self.setup.backbone.module is not None and type(self.setup.backbone).represent is not Backbone.represent

    def require_tower(self) -> None:
        """Refuse a view that looks at pixels or weights.

        Raises:
            SpliceError: if the backbone has none.
        """
        if not self.has_tower:
            raise SpliceError(NO_TOWER)

    @property
    def penalty(self) -> float:
        """The penalty at which a page begins: that of the solver, if it has one within the reach of paths."""
        return max(END, float(getattr(self.setup.solver, "l1_penalty", DEFAULT_PENALTY)))

    def __len__(self) -> int:
        return len(self.study.embeddings)

    def row_named(self, text: str) -> int:
        """Return the sample that a text names: by its number, or by its name.

        Raises:
            SpliceError: if there is none.
        """
        names, text = self.study.embeddings.sample_ids, text.strip()
        if text in names:
            return names.index(text)
        if text.isdecimal() and int(text) < len(names):
            return int(text)
        raise SpliceError(f"There is no sample {text!r}: write its name, or its number, 0 to {len(names) - 1}.")

    def image(self, row: int) -> Image.Image | None:
        """Return the image of a sample, where there is one."""
        if not self.has_images:
            return None
        data, place = self.study.data, self.study.places[row]
        assert isinstance(data, EncodableSource)
        found: Image.Image = data.inputs(place, place + 1)[0]
        return found

    def caption(self, row: int) -> str | None:
        """Return the first caption of a sample, where there is one."""
        return None if self.study.captions is None else self.study.captions[row][0]

    def class_of(self, row: int) -> str | None:
        """Return the class of a sample, where there is one."""
        embeddings = self.study.embeddings
        return None if embeddings.labels is None else embeddings.classes[int(embeddings.labels[row])]

    def sample(self, row: int) -> Seen:
        """Return a sample of the data, ready to be looked at.

        Raises:
            SpliceError: if there is no such sample.
        """
        if not 0 <= row < len(self):
            raise SpliceError(f"sample is {row}, but must be one of 0 to {len(self) - 1}.")
        embeddings = self.study.embeddings
        return self._seen(embeddings.sample_ids[row], row, embeddings.features[row : row + 1], self.image(row))

    def photo(self, path: str | Path) -> Seen:
        """Return the image of a file, ready to be looked at.

        Raises:
            SpliceError: if it cannot be read, or the backbone embeds no images.
        """
        self.require_tower()
        image = as_picture(Path(path))
        return self._seen(Path(path).name, None, self.splice().embed([image]), image)

    def _seen(self, name: str, row: int | None, features: Tensor, image: Image.Image | None) -> Seen:
        target, _ = center(features, self.subtracted)
        return Seen(name, row, features, target, self.follower.follow(target), image)

    def splice(self) -> Splice:
        """Return the model as `Splice`, for images and texts."""
        study = self.study
        return Splice(self.backbone, study.dictionary, study.image_mean, study.solver, study.alignment)

    def decompose(self, seen: Seen, l1_penalty: float) -> Decomposition:
        """Return the codes of an image at a penalty, from its path, with their certificate.

        Args:
            seen: The image.
            l1_penalty: L, at least `END`.

        Raises:
            SpliceError: if the path does not go as far.
        """
        dictionary, codes = self.study.dictionary, seen.path.at(l1_penalty).named(self.study.dictionary.concepts)
        _, scale = center(seen.features, self.subtracted)
        certificate = lasso_certificate(
            seen.target.double(), self._exact_atoms, codes.dense(), l1_penalty, self.follower.nonnegative
        )
        steps = torch.zeros(1, dtype=torch.int64)
        solution = Solution(
            codes, Status.CONVERGED, *certificate, steps, torch.tensor([l1_penalty], dtype=torch.float64)
        )
        images = () if seen.image is None else (seen.image,)
        return Decomposition(
            codes,
            dictionary,
            self.subtracted,
            scale,
            self.study.alignment.recompose,
            solution,
            (seen.name,),
            images,
        )

    @cached_property
    def _exact_atoms(self) -> Float[Tensor, "k d"]:
        return self.study.dictionary.atoms.cpu().double()


def load(overrides: Sequence[str] = ()) -> Explorer:
    """Return what the explorer shows, ready to be looked at.

    Args:
        overrides: As on the command line: `backbone=… data=… vocabulary=… dictionary=… solver=…`.

    Raises:
        SpliceError: if one cannot be understood, or what it names cannot be loaded.
    """
    return Explorer(composed(overrides), overrides).prepare()
