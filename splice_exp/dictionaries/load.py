"""What `Splice` and `Sith` have in common: a model, the dictionary that explains it, an image mean and a solver."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, TypeVar

from jaxtyping import Float
from torch import Tensor

from splice_exp.backbones.base import Backbone
from splice_exp.backbones.load import load_backbone
from splice_exp.core.assets import ASSETS
from splice_exp.core.errors import SpliceError
from splice_exp.core.types import Dictionary
from splice_exp.dictionaries.text import encode_concepts
from splice_exp.dictionaries.vocabulary import read_names
from splice_exp.embeddings.geometry import Alignment, read_mean
from splice_exp.solvers.base import Solver

M = TypeVar("M", bound="ExplainedModel")


class ExplainedModel:
    """A model and the dictionary that explains it.

    Args:
        backbone: Embeds images and texts.
        dictionary: Atoms in the same space.
        mean: μ of image embeddings, or None.
        solver: Finds codes; None: that of `default_solver`.
    """

    default_solver: ClassVar[type[Solver]]

    def __init__(
        self,
        backbone: Backbone,
        dictionary: Dictionary,
        mean: Float[Tensor, " d"] | None = None,
        solver: Solver | None = None,
    ) -> None:
        self.backbone, self.dictionary, self.mean = backbone, dictionary, mean
        self.solver = self.default_solver() if solver is None else solver

    @classmethod
    def load(
        cls: type[M],
        model: str | None = None,
        pretrained: str | None = None,
        vocabulary: str | Path | Sequence[str] | None = None,
        mean: str | Path | None = None,
        solver: Solver | None = None,
    ) -> M:
        """Load a model of open_clip and encode a vocabulary; by default those of the synthetic benchmark.

        Args:
            model: An architecture of open_clip, `hf-hub:…`, or `local-dir:…`.
            pretrained: Tag of its weights.
            vocabulary: A file with one name per line, or names.
            mean: A .safetensors file with the image mean (`python -m splice_exp estimate-mean`).
            solver: Finds codes.

        Raises:
            SpliceError: if weights, names or mean cannot be loaded.
        """
        caller = f"{cls.__name__}.load"
        if model is not None and vocabulary is None:
            raise SpliceError(f"model is {model!r}, which needs a vocabulary: a file with one name a line, or names.")
        backbone = load_backbone(model, pretrained, caller)
        if vocabulary is None:
            vocabulary = ASSETS / "scenes_vocabulary.txt"
        names = read_names(Path(vocabulary)) if isinstance(vocabulary, (str, Path)) else list(vocabulary)
        if model is None and mean is None:
            mean = ASSETS / "scenes_image_mean.safetensors"
        dictionary = encode_concepts(names, backbone, Alignment(), {"vocabulary": f"given to {caller}"})
        return cls(backbone, dictionary, None if mean is None else read_mean(str(mean), backbone.dim), solver)
