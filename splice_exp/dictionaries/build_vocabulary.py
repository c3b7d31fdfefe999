"""From captions to a vocabulary: the most frequent words and pairs of words, without what says nothing by itself.

    count words and pairs → drop stop words, profanity and rare ones → drop pairs that are the sum of their words
    → prune what is similar to something more frequent → keep the most frequent → write in ascending frequency

References:
    Bhalla et al. Interpreting CLIP with sparse linear concept embeddings (SpLiCE). NeurIPS 2024, section 4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import torch

from splice_exp.backbones.base import Backbone
from splice_exp.core.errors import SpliceError
from splice_exp.core.io import sidecar, write_json, write_text
from splice_exp.dictionaries.choices import Choices
from splice_exp.dictionaries.phrases import PhraseCounts, count_phrases, function_words
from splice_exp.dictionaries.profanity import is_profane
from splice_exp.dictionaries.prune import is_sum_of_parts, prune_similar


def build_vocabulary(
    captions: Iterable[str],
    choices: Choices,
    backbone: Backbone | None = None,
    extra_stop_words: Iterable[str] = (),
) -> tuple[list[str], dict[str, Any]]:
    """Return names in ascending frequency, and their provenance.

    Args:
        captions: Any number, read once.
        choices: What the vocabulary is to be.
        backbone: Encodes names for pruning; without it nothing is pruned.
        extra_stop_words: Left out besides the function words of English.

    Raises:
        SpliceError: if nothing is left.
    """
    counts = count_phrases(captions, _refusals(extra_stop_words))
    words = _frequent(counts.words, choices.min_count)
    frequent_pairs = _frequent(counts.pairs, choices.min_count)
    pairs = [pair for pair in frequent_pairs if not is_profane(pair)]
    provenance: dict[str, Any] = {
        "captions": counts.num_captions,
        "choices": asdict(choices),
        "counted": {"words": len(counts.words), "pairs": len(counts.pairs)},
        "refused": {
            **{reason: len(refused) for reason, refused in counts.refused.items()},
            "profane pair": len(frequent_pairs) - len(pairs),
        },
        "frequent": {"words": len(words), "pairs": len(pairs)},
        "pruned": None,
    }
    if backbone is not None and words:
        before = len(words), len(pairs)
        words, pairs = _prune(words, pairs, counts, choices, backbone)
        provenance["pruned"] = {
            "words": before[0] - len(words),
            "pairs": before[1] - len(pairs),
            "backbone": backbone.backbone_id,
        }
    kept = [*words[: choices.num_words], *pairs[: choices.num_pairs]]
    if not kept:
        raise SpliceError(
            f"No name is left of {counts.num_captions} captions: lower --min-count, or give more captions."
        )
    names = sorted(kept, key=lambda name: (_count(counts, name), name))
    provenance["kept"] = {"words": len(words[: choices.num_words]), "pairs": len(pairs[: choices.num_pairs])}
    return names, provenance


def write_vocabulary(path: Path, names: list[str], provenance: dict[str, Any]) -> None:
    """Write one name per line, in ascending frequency, and the provenance beside it.

    Args:
        path: Of the list; replaced where it is there.
        names: In ascending frequency.
        provenance: Sources, choices and counts, as JSON.
    """
    write_text(path, "\n".join(names) + "\n")
    write_json(sidecar(path), provenance)


def _refusals(extra_stop_words: Iterable[str]) -> dict[str, Callable[[str], Any]]:
    stop_words = function_words().union(extra_stop_words)
    return {
        "stop word": lambda word: word in stop_words or len(word) == 1,
        "profanity": cache(is_profane),
    }


def _count(counts: PhraseCounts, name: str) -> int:
    return counts.pairs[name] if " " in name else counts.words[name]


def _frequent(counts: dict[str, int], min_count: int) -> list[str]:
    """Return the names that occur often enough, the most frequent first; of equal ones in alphabetical order."""
    return sorted(
        (name for name, count in counts.items() if count >= min_count), key=lambda name: (-counts[name], name)
    )


def _prune(
    words: list[str], pairs: list[str], counts: PhraseCounts, choices: Choices, backbone: Backbone
) -> tuple[list[str], list[str]]:
    features = backbone.encode_text(words)
    row = {word: index for index, word in enumerate(words)}
    pair_features = backbone.encode_text(pairs) if pairs else features[:0]
    # A pair is as rare as the rarer of its words at least, so both words of a frequent pair are among the frequent.
    parts = torch.tensor([[row[word] for word in pair.split()] for pair in pairs], dtype=torch.int64).reshape(-1, 2)
    sums = is_sum_of_parts(pair_features, features[parts[:, 0]], features[parts[:, 1]], choices.max_cosine)
    own = [index for index, is_sum in enumerate(sums) if not is_sum]
    names = [*words, *(pairs[index] for index in own)]
    stacked = torch.cat([features, pair_features[own]])
    order = sorted(range(len(names)), key=lambda index: (-_count(counts, names[index]), names[index]))
    kept = [names[order[place]] for place in prune_similar(stacked[order], choices.max_cosine)]
    return [name for name in kept if " " not in name], [name for name in kept if " " in name]
