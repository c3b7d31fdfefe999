"""A text bank: an encoder that has already encoded all the texts it will ever know."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from jaxtyping import Float
from torch import Tensor

from splice_exp.backbones.base import Backbone, require_templates
from splice_exp.core.errors import SpliceError, nearest, shown
from splice_exp.core.io import file_digest
from splice_exp.core.keys import key_of
from splice_exp.core.names import canonical
from splice_exp.core.stored import read_stored_embeddings


class PrecomputedBackbone(Backbone):
    """Text embeddings from a file; encoding a text looks it up, as written or in canonical form.

    Args:
        texts: A `.safetensors` file with `embeddings` and, in its `.json` sidecar, `texts`; or a `.npz` of the same.
        class_templates: Texts of a class, as the bank names them, with `{}` for the name; the template under which
            the bank itself was encoded is already in its embeddings.

    Raises:
        SpliceError: if the file cannot be read, has no texts, or not one for each row.
    """

    def __init__(self, texts: str, class_templates: Sequence[str] = ("{}",)) -> None:
        stored = read_stored_embeddings(texts, "texts")
        names = tuple(stored.description.get("texts", ()))
        if len(names) != len(stored.features):
            raise SpliceError(
                f"{key_of('texts')}: {texts} names {len(names)} `texts` for {len(stored.features)} embeddings; "
                "the .json beside the file must list one for each row."
            )
        self.class_templates = require_templates(class_templates)
        self.dim = stored.features.shape[1]
        self.backbone_id = f"precomputed:{file_digest(Path(texts).expanduser())}"
        self._features, self._names, self._encoder = stored.features, names, stored.encoder
        # Later rows must not hide earlier ones, nor canonical forms the exact ones.
        self._rows = {name: row for row, name in reversed(list(enumerate(names)))}
        for row, name in enumerate(names):
            self._rows.setdefault(canonical(name), row)

    @property
    def known_texts(self) -> tuple[str, ...]:
        return self._names

    @property
    def encoder(self) -> str | None:
        return self._encoder

    def _row(self, text: str) -> int | None:
        return self._rows.get(text, self._rows.get(canonical(text)))

    def knows_text(self, text: str) -> bool:
        return self._row(text) is not None

    def encode_text(self, texts: Sequence[str]) -> Float[Tensor, "m d"]:
        rows = [self._row(text) for text in texts]
        missing = [text for text, row in zip(texts, rows, strict=True) if row is None]
        if missing:
            hints = [f"{text!r} ({nearest(canonical(text), self._names)})" for text in missing[:10]]
            listed = shown([*hints, *(repr(text) for text in missing[10:])], limit=50)
            raise SpliceError(
                f"{key_of('texts', self)} has no embedding for {len(missing)} of {len(texts)} texts: "
                f"{listed}. Take names of the bank, a bank that has them, or a backbone that encodes any text."
            )
        return self._features[rows]

    def encode_batch(self, batch: Any) -> Float[Tensor, "b d"]:
        return self.preprocess(batch)

    def preprocess(self, inputs: Any) -> NoReturn:
        raise SpliceError(
            "backbone=precomputed encodes no images: set data=embeddings_file with data.path, the file of their "
            "embeddings, or choose a backbone that has an image encoder."
        )
