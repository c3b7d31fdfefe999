"""Load what a notebook starts from: a model of open_clip, an encoded vocabulary, and an image mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from splice_exp.backbones.base import Backbone
from splice_exp.core.errors import SpliceError
from splice_exp.core.types import Dictionary
from splice_exp.dictionaries.text import encode_concepts
from splice_exp.dictionaries.vocabulary import read_names
from splice_exp.embeddings.geometry import Alignment, read_mean

ASSETS = Path(__file__).parents[1] / "assets"


def load_parts(
    model: str | None,
    pretrained: str | None,
    vocabulary: str | Path | Sequence[str] | None,
    mean: str | Path | None,
    caller: str,
) -> tuple[Backbone, Dictionary, Float[Tensor, " d"] | None]:
    """Return backbone, dictionary and image mean; by default those of the embedded world.

    Args:
        model: An architecture of open_clip, `hf-hub:…`, or `local-dir:…`.
        pretrained: Tag of its weights.
        vocabulary: A file with one name a line, or names.
        mean: A .safetensors file with the image mean (`python -m splice_exp estimate-mean`).
        caller: Who asks, for errors and the record: `Splice.load`.

    Raises:
        SpliceError: if weights, names or mean cannot be had.
    """
    from splice_exp.backbones.open_clip import OpenClipBackbone  # late: it takes seconds

    own = model is None
    if own and pretrained is not None:
        raise SpliceError(f"pretrained is {pretrained!r}, but no model is named: {caller}('ViT-B-32', ...).")
    if not own and vocabulary is None:
        raise SpliceError(f"model is {model!r}, which needs a vocabulary: a file with one name a line, or names.")
    backbone = OpenClipBackbone(f"local-dir:{ASSETS / 'scenes_clip'}" if model is None else model, pretrained)
    if vocabulary is None:
        vocabulary = ASSETS / "scenes_vocabulary.txt"
    names = read_names(Path(vocabulary)) if isinstance(vocabulary, (str, Path)) else list(vocabulary)
    if own and mean is None:
        mean = ASSETS / "scenes_image_mean.safetensors"
    dictionary = encode_concepts(names, backbone, Alignment(), {"vocabulary": f"given to {caller}"})
    return backbone, dictionary, None if mean is None else read_mean(str(mean), backbone.dim)
