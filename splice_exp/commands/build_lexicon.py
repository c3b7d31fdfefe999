"""Build a vocabulary from a knowledge base: one name per line, in ascending frequency, and its provenance beside it.

    python -m splice_exp build-lexicon conceptnet conceptnet-assertions-5.7.0.csv.gz --output conceptnet.txt
    python -m splice_exp build-lexicon wordnet --parts noun adjective --output wordnet.txt

Profane names are listed in the provenance; they stay in the list unless --profanity drop. Then: vocabulary=conceptnet.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from splice_exp.commands import parser_of
from splice_exp.core.io import file_sha256
from splice_exp.core.text.visible import say
from splice_exp.dictionaries.conceptnet import count_nodes
from splice_exp.dictionaries.lexicon import Filters, build_lexicon
from splice_exp.dictionaries.wordnet import count_lemmas


def main(arguments: Sequence[str]) -> None:
    """Read the command line."""
    parser = parser_of("build-lexicon", __doc__)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--output", type=Path, required=True)
    for field in fields(Filters):
        common.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default)
    bases = parser.add_subparsers(dest="base", required=True)
    nodes = bases.add_parser("conceptnet", parents=[common], help="from its file of assertions")
    nodes.add_argument("assertions", type=Path, help="conceptnet-assertions-….csv, or .csv.gz")
    nodes.add_argument("--language", default="en")
    lemmas = bases.add_parser("wordnet", parents=[common], help="by nltk, where its data are")
    lemmas.add_argument("--parts", nargs="+", default=["noun"], help="noun, verb, adjective, adverb")
    chosen = parser.parse_args(arguments)
    build(chosen)


def build(chosen: argparse.Namespace) -> None:
    """Build and write the vocabulary.

    Raises:
        SpliceError: if the knowledge base does not exist, or is not what it should be.
    """
    filters = Filters(**{field.name: getattr(chosen, field.name) for field in fields(Filters)})
    if chosen.base == "conceptnet":
        counts, source = count_nodes(chosen.assertions, chosen.language)
        source |= {"file": chosen.assertions.name, "sha256": file_sha256(chosen.assertions)}
    else:
        counts, source = count_lemmas(chosen.parts)
    names, provenance = build_lexicon(counts, filters)
    from splice_exp.dictionaries.build_vocabulary import write_vocabulary  # late: it brings torch

    write_vocabulary(chosen.output, names, {"source": source, **provenance})
    profane = len(provenance["profane"])
    say(f"{len(names)} names in {chosen.output}, the last {names[-1]!r}; {profane} profane ones are listed beside it")
