"""Build a vocabulary from captions: one name per line, in ascending frequency, and its provenance beside it.

    python -m splice_exp build-vocabulary captions.txt --output my_vocabulary.txt
    python -m splice_exp build-vocabulary captions_train2017.json --model ViT-B-32 --pretrained laion2b_s34b_b79k ...
    python -m splice_exp build-vocabulary --scenes 4000 --min-count 10 --num-pairs 400 ...  (synthetic benchmark)

Without --model nothing is pruned by similarity.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path

from splice_exp.backbones.published import require_model, require_weights
from splice_exp.commands import parser_of
from splice_exp.core.errors import SpliceError, shown
from splice_exp.core.io import file_sha256
from splice_exp.core.text.tables import read_table
from splice_exp.core.text.visible import say
from splice_exp.dictionaries.choices import Choices


def read_captions(path: Path, column: str) -> Iterator[str]:
    """Yield the captions of a file: one per line, of COCO's annotations, or of a column of a table.

    Args:
        path: JSON of COCO, `.csv`, `.tsv`, `.parquet`, or text in UTF-8, which may be compressed as `.gz`.
        column: Of a table; other files do not ask.

    Raises:
        SpliceError: if it is not laid out so.
    """
    suffix = path.suffix.lower()
    if suffix == ".json":
        try:
            yield from [annotation["caption"] for annotation in json.loads(path.read_bytes())["annotations"]]
        except (ValueError, KeyError, TypeError) as error:
            raise SpliceError(f"{path} is not laid out like the captions of COCO ({error!r}).") from error
    elif suffix in (".csv", ".tsv", ".parquet"):
        table = read_table(path, "captions")
        if column not in table.names:
            raise SpliceError(f"{path} has the columns {shown(table.names)}, but not {column!r}: set --column.")
        yield from (caption for caption in table.column(column, "--column") if caption)
    else:
        try:
            with gzip.open(path, "rb") if suffix == ".gz" else path.open("rb") as file:
                yield from io.TextIOWrapper(file, encoding="utf-8-sig")
        except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
            raise SpliceError(f"{path} cannot be read as captions in UTF-8, one per line ({error}).") from error


def main(arguments: Sequence[str]) -> None:
    """Read the command line."""
    parser = parser_of("build-vocabulary", __doc__)
    parser.add_argument("captions", type=Path, nargs="*", help=".txt(.gz), COCO's .json, .csv, .tsv or .parquet")
    parser.add_argument(
        "--scenes", type=int, default=0, help="captions of so many training images, without the words of held-out kinds"
    )
    parser.add_argument("--column", default="caption", help="of a table")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--stop-words", type=Path, help="more words to leave out, one per line")
    parser.add_argument("--model", help="of open_clip, for pruning: see backbones/open_clip.py")
    parser.add_argument("--pretrained", help="tag or file of its weights")
    for field in fields(Choices):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default)
    chosen = parser.parse_args(arguments)
    build(chosen)


def build(chosen: argparse.Namespace) -> None:
    """Build and write the vocabulary.

    Raises:
        SpliceError: if a file does not hold what it should.
    """
    if not chosen.captions and not chosen.scenes:
        raise SpliceError("There are no captions: give files, or --scenes with a number of images.")
    _require_files(chosen)
    from splice_exp.dictionaries.build_vocabulary import build_vocabulary, write_vocabulary  # late: they bring torch
    from splice_exp.dictionaries.vocabulary import read_names

    choices = Choices(**{field.name: getattr(chosen, field.name) for field in fields(Choices)})
    backbone = None
    if chosen.model:
        from splice_exp.backbones.open_clip import OpenClipBackbone

        backbone = OpenClipBackbone(chosen.model, chosen.pretrained)
    extra = frozenset(read_names(chosen.stop_words) if chosen.stop_words else ())
    if chosen.scenes:
        from splice_exp.data.scenes.world import held_out_words

        extra |= held_out_words()
    names, provenance = build_vocabulary(_all_captions(chosen), choices, backbone, extra)
    sources = [{"file": path.name, "sha256": file_sha256(path)} for path in chosen.captions]
    if chosen.scenes:
        sources.append({"scenes": chosen.scenes})
    write_vocabulary(chosen.output, names, {"sources": sources, **provenance})
    say(f"{len(names)} names in {chosen.output}, the last {names[-1]!r}")


def _require_files(chosen: argparse.Namespace) -> None:
    """Fetch weights, and refuse files that do not exist, before anything slow is imported."""
    for path in chosen.captions:
        if not path.is_file():
            raise SpliceError(f"{path} is not there: give files of captions.")
    if chosen.stop_words and not chosen.stop_words.is_file():
        raise SpliceError(f"--stop-words is {str(chosen.stop_words)!r}, but there is no such file.")
    if chosen.model:
        require_model(chosen.model)
        require_weights(chosen.model, chosen.pretrained, None)


def _all_captions(chosen: argparse.Namespace) -> Iterator[str]:
    for path in chosen.captions:
        yield from read_captions(path, chosen.column)
    if chosen.scenes:
        from splice_exp.training.captioned import corpus

        yield from corpus(seed=0, size=chosen.scenes)
