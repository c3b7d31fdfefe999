"""Read heads: from a backbone to the explained signed directions of its singular vectors, by a configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from splice_exp.backbones.base import TOWERS, Backbone
from splice_exp.backbones.towers import Tower, tower_of
from splice_exp.core.errors import SpliceError, require_bool, require_choice, require_integer
from splice_exp.core.keys import key_of
from splice_exp.core.types import Dictionary
from splice_exp.heads.explain import Explanations, both_poles, explain
from splice_exp.heads.projection import PROJECTIONS, Projection
from splice_exp.heads.spectra import SIDES, Spectra, spectra_of
from splice_exp.solvers.base import Solver


@dataclass(frozen=True, eq=False)
class ReadHeads:
    """What was read.

    Attributes:
        names: Of the signed directions: layer, head, number and sign, as `L3.H0.0+`.
        explanations: Of the signed directions, in this order.
        spectra: Of the heads.
        reading: How they were read.
    """

    names: tuple[str, ...]
    explanations: Explanations
    spectra: Spectra
    reading: Reading

    def table(self, count: int = 5) -> pd.DataFrame:
        """Return one line per signed direction: its name, its concepts and their codes, and their fidelity (a cosine).

        Args:
            count: Concepts per signed direction, at most.
        """
        joint = self.explanations.fidelity()["joint"].tolist()
        concepts = [
            ", ".join(f"{name} {value:.2f}" for name, value in of_one) for of_one in self.explanations.top(count)
        ]
        return pd.DataFrame({"pole": self.names, "concepts": concepts, "fidelity": joint})


@dataclass(frozen=True)
class Reading:
    """Which heads are read, and how.

    Args:
        layers: Counted from 0 at the input; negative from the output.
        tower: `image` or `text`.
        side: `writes` (right singular vectors) or `reads` (left ones).
        projection: Into the joint space: `published`, `linear` or `jacobian`.
        centred: Whether the image mean is taken away from what is `published`; the others are directions, which have
            no position, and nothing is taken from them.
        folded: Whether gain and centring of the LayerNorms belong to the matrices.
        vectors: Of each head, those of the largest singular values; null: all.
    """

    layers: Sequence[int] = (-1,)
    tower: str = "image"
    side: str = "writes"
    projection: str = "published"
    centred: bool = True
    folded: bool = True
    vectors: int | None = field(default=None)

    def __post_init__(self) -> None:
        require_choice("tower", self.tower, TOWERS)
        require_choice("side", self.side, SIDES)
        require_choice("projection", self.projection, PROJECTIONS)
        require_bool("centred", self.centred)
        require_bool("folded", self.folded)
        if isinstance(self.layers, int):
            raise SpliceError(f"{key_of('layers')} is {self.layers}, but must be a list: [{self.layers}].")
        if not self.layers or len(set(self.layers)) != len(self.layers):
            raise SpliceError(
                f"{key_of('layers')} is {list(self.layers)}, but must list one or more layers, each once."
            )
        if self.vectors is not None:
            require_integer("vectors", self.vectors, 1)

    def require_all(self) -> None:
        """Refuse to edit what was read in part only, or not as it is written.

        Raises:
            SpliceError: naming what an edit needs.
        """
        if self.vectors is not None or self.side != "writes" or not self.folded:
            raise SpliceError(
                f"An edit changes all that heads write: it needs {key_of('vectors', self)}=null, "
                f"{key_of('side', self)}=writes and {key_of('folded', self)}=true."
            )

    def tower_of(self, backbone: Backbone) -> Tower:
        """Return the tower that is read."""
        return tower_of(backbone, self.tower)

    def spectra(self, backbone: Backbone) -> Spectra:
        """Decompose the heads.

        Returns:
            All singular vectors of these heads, whatever `vectors` says.

        Raises:
            SpliceError: if the backbone has no such heads or layers.
        """
        tower = self.tower_of(backbone)
        tower.layers(tuple(self.layers), of=self)  # refused by the key that was set
        return spectra_of(tower, self.layers, self.folded, backbone.backbone_id)

    @property
    def is_centred(self) -> bool:
        """Whether the image mean is taken away: from points, and not from directions, which have no position."""
        return self.centred and self.projection == "published"

    def projected(self, backbone: Backbone, stream: Float[Tensor, " d"] | None) -> Projection:
        """Return the map into the joint space.

        Args:
            backbone: Whose tower is read.
            stream: The residual stream at which a `jacobian` is taken.
        """
        return Projection(self.tower_of(backbone), self.projection, stream if self.projection == "jacobian" else None)

    def chosen(self, spectra: Spectra) -> list[int]:
        """Return the indices of the vectors that are explained, in the order of `Spectra.names`."""
        rank = spectra.gains.shape[2]
        count = rank if self.vectors is None else min(self.vectors, rank)
        return [place for place in range(spectra.gains.numel()) if place % rank < count]

    def explain(
        self,
        spectra: Spectra,
        projection: Projection,
        dictionary: Dictionary,
        solver: Solver,
        mean: Float[Tensor, " e"],
        device: torch.device | None = None,
    ) -> tuple[Explanations, list[str]]:
        """Explain both signed directions of the vectors; return the explanations and their names.

        Args:
            spectra: Of the heads.
            projection: Into the joint space.
            dictionary: Concepts.
            solver: Finds codes.
            mean: μ of image embeddings.
            device: On which codes are found.

        Returns:
            Explanations of 2m signed directions, and their names, which end with + or −.
        """
        places = self.chosen(spectra)
        names = spectra.names
        poles, named = both_poles(spectra.vectors(self.side)[torch.tensor(places)], [names[place] for place in places])
        centre = mean if self.is_centred else None
        return explain(poles, projection, dictionary, solver, centre, device), named

    def read(
        self,
        backbone: Backbone,
        dictionary: Dictionary,
        solver: Solver,
        mean: Float[Tensor, " e"],
        stream: Float[Tensor, " d"] | None = None,
        device: torch.device | None = None,
    ) -> ReadHeads:
        """Decompose the heads, and explain both signed directions of their vectors.

        Args:
            backbone: Whose tower is read.
            dictionary: Concepts.
            solver: Finds codes.
            mean: μ of image embeddings.
            stream: The residual stream at which a `jacobian` is taken.
            device: On which codes are found.

        Returns:
            The concepts of each signed direction, and the vectors they belong to.

        Raises:
            SpliceError: if the backbone has no such heads or layers.
        """
        spectra = self.spectra(backbone)
        found, names = self.explain(spectra, self.projected(backbone, stream), dictionary, solver, mean, device)
        return ReadHeads(tuple(names), found, spectra, self)

    def explained(
        self,
        poles: Float[Tensor, "m d"],
        backbone: Backbone,
        dictionary: Dictionary,
        solver: Solver,
        mean: Float[Tensor, " e"],
    ) -> Explanations:
        """Explain any directions of the residual stream as vectors are explained; not by a `jacobian`.

        Args:
            poles: The directions, unit rows.
            backbone: Whose tower is read.
            dictionary: Concepts.
            solver: Finds codes.
            mean: μ of image embeddings.

        Returns:
            Codes of each direction, with what else is known of it.
        """
        return explain(poles, self.projected(backbone, None), dictionary, solver, mean if self.is_centred else None)
