"""Concepts that someone has chosen by hand."""

from splice_exp.core.errors import require_names
from splice_exp.dictionaries.base import DictionaryBuilder
from splice_exp.dictionaries.text import encode_concepts


class ByHand(DictionaryBuilder):
    def __init__(self, concepts):
        require_names("concepts", concepts)
        self._concepts = tuple(concepts)

    def build(self, ingredients):
        source = {"vocabulary": "by hand"}
        return encode_concepts(self._concepts, ingredients.backbone, ingredients.alignment, source, ingredients.cache)
