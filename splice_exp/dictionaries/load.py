"""What `Splice` and `Sith` have in common: a model, the dictionary that explains it, an image mean and a solver."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import signature
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from jaxtyping import Float
from torch import Tensor

from splice_exp.backbones.base import Backbone
from splice_exp.backbones.load import load_backbone, model_name, require_loadable, resolve_model
from splice_exp.backbones.published import require_model
from splice_exp.core.assets import LOCAL
from splice_exp.core.errors import SpliceError, require_integer, shown
from splice_exp.core.text.html import html_table
from splice_exp.core.types import Dictionary
from splice_exp.dictionaries.text import encode_concepts
from splice_exp.dictionaries.vocabulary import NAMED_LISTS, vocabulary_named
from splice_exp.distributed.cache import Cache
from splice_exp.embeddings.geometry import Alignment, read_mean
from splice_exp.embeddings.official_means import find_official_mean
from splice_exp.solvers.base import Solver

CONCEPTS_FILE = "concepts.txt"  # beside the weights of a model that was saved

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

    def __repr__(self) -> str:
        mean = "" if self.mean is not None else ", without an image mean"
        about = f"{len(self.dictionary)} concepts, {type(self.solver).__name__}{mean}"
        return f"{type(self).__name__}({model_name(self.backbone)}, {about})"

    def _repr_html_(self) -> str:
        rows = [
            ["model", model_name(self.backbone)],
            ["concepts", shown(self.dictionary.concepts)],
            ["solver", repr(self.solver)],
            ["image mean", "known" if self.mean is not None else "of the images of each call"],
        ]
        return html_table(repr(self), ["", ""], rows)

    @classmethod
    def load(
        cls: type[M],
        model: str | None = None,
        pretrained: str | None = None,
        vocabulary: str | Path | Sequence[str] | None = None,
        vocabulary_size: int | None = None,
        mean: str | Path | None = None,
        solver: Solver | None = None,
        cache: str | Path | None = None,
        l1_penalty: float | None = None,
        device: str | None = None,
    ) -> M:
        """Load a model of open_clip and encode a vocabulary; by default those of the synthetic benchmark.

        Args:
            model: An architecture of open_clip, `hf-hub:…`, `local-dir:…`, or a name of the authors' SpLiCE package:
                `open_clip:ViT-B-32`, `clip:ViT-B/32`, `clip:ViT-B/16`, `clip:RN50`.
            pretrained: Tag of its weights.
            vocabulary: A list by its name (`laion`, `laion_bigrams`, `mscoco`, `scenes`), a file with one name per
                line, or names; by default the concepts of a model that `Sith.save` wrote.
            vocabulary_size: The most frequent so many, which are the last of a list; by default, or −1, all.
            mean: A file with the image mean (`python -m splice_exp estimate-mean`); by default the one that
                lies beside a saved model, or was published for the model, if there is one.
            solver: Finds codes.
            cache: A folder that keeps the embeddings of the vocabulary, so that they are computed once; by default
                they are not kept.
            l1_penalty: L of the default solver of `Splice`; in place of `solver`.
            device: Where images and texts are encoded, `cuda` for example; embeddings and codes are on the CPU.

        Raises:
            SpliceError: if weights, names or mean cannot be loaded, or there is no such device.
        """
        caller = f"{cls.__name__}.load"
        solver = cls._penalised(solver, l1_penalty)
        _require_no_list(caller, model, pretrained, vocabulary)
        if model is not None:
            require_model(resolve_model(model, pretrained)[0])
        saved = Path(model.removeprefix(LOCAL)) if model is not None and model.startswith(LOCAL) else None
        if saved is not None and vocabulary is None and (saved / CONCEPTS_FILE).is_file():
            vocabulary = saved / CONCEPTS_FILE
        if model is not None and vocabulary is None:
            raise SpliceError(
                f"model is {model!r}, which needs a vocabulary: laion, laion_bigrams, mscoco, a file with one name per "
                "line, or names."
            )
        if vocabulary_size == -1:  # as the authors' package calls all of them
            vocabulary_size = None
        if vocabulary_size is not None:
            require_integer("vocabulary_size", vocabulary_size, 1)
        source = vocabulary_named("scenes" if vocabulary is None else vocabulary, vocabulary_size)
        require_loadable(model, pretrained, caller)
        source.require()
        if mean is not None:
            _require_mean(mean)
        backbone = load_backbone(model, pretrained, caller)
        if device is not None:
            _move(backbone, device)
        if mean is None:
            found = find_official_mean(backbone.encoder)
            mean = None if found is None else found.path
        names = source.load(backbone)
        dictionary = encode_concepts(
            names.concepts, backbone, Alignment(), names.provenance, None if cache is None else Cache(Path(cache))
        )
        return cls(backbone, dictionary, None if mean is None else read_mean(str(mean), backbone.dim), solver)

    @classmethod
    def _penalised(cls, solver: Solver | None, l1_penalty: float | None) -> Solver | None:
        """Return the solver that is asked for: the given one, or the default one at a penalty."""
        if l1_penalty is None:
            return solver
        if solver is not None:
            raise SpliceError(f"l1_penalty is {l1_penalty} beside a solver: give it to the solver, or leave that out.")
        default: Any = cls.default_solver
        if "l1_penalty" not in signature(default).parameters:
            name = default.__name__
            raise SpliceError(
                f"l1_penalty is {l1_penalty}, but {name}, the solver of {cls.__name__}, has none: give a solver, as "
                f"solver={name}(target_l0=5) or solver=ActiveSet(l1_penalty={l1_penalty})."
            )
        penalised: Solver = default(l1_penalty=l1_penalty)
        return penalised


def _require_no_list(caller: str, model: str | None, pretrained: str | None, after: object) -> None:
    """Refuse the name of a list of concepts in the place of weights, where the authors' `load` takes it.

    Args:
        caller: What the user called.
        model: As it was given.
        pretrained: As it was given.
        after: What was given next to it, which is the size of the list in the authors' code.
    """
    if pretrained in NAMED_LISTS:
        size = f", vocabulary_size={after}" if isinstance(after, int) else ""
        raise SpliceError(
            f"pretrained is {pretrained!r}, which names a list of concepts, not weights: write "
            f"{caller}({model!r}, vocabulary={pretrained!r}{size})."
        )


def _require_mean(mean: str | Path) -> None:
    """Refuse a file of a mean that does not exist, before models are loaded."""
    if not Path(mean).expanduser().is_file():
        raise SpliceError(
            f"mean is {str(mean)!r}, but there is no such file: python -m splice_exp estimate-mean writes one."
        )


def _move(backbone: Backbone, device: str) -> None:
    """Move an encoder to a device.

    Raises:
        SpliceError: if it does not exist.
    """
    try:
        if backbone.module is not None:
            backbone.module.to(device)
    except (RuntimeError, AssertionError) as error:  # PyTorch says that it was built without CUDA by the latter
        raise SpliceError(f"device is {device!r}, but cannot be used ({str(error).splitlines()[0]}).") from error
