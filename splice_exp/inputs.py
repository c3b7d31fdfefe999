"""Whether all files are there that a configuration names: weights, data, lists of concepts, the image mean.

Imported without torch and looked at before any work, so that whoever lacks a file reads so in a moment. What is in the
files is for those who read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from splice_exp.backbones.published import OPEN_CLIP, require_configured_weights
from splice_exp.build import build, components_in
from splice_exp.core.errors import SpliceError
from splice_exp.core.keys import building
from splice_exp.data.presence.sources import ABSENT, require_source
from splice_exp.embeddings.official_means import AUTO, ESTIMATE, OFFICIAL, ZERO, official_mean, require_mean_file

# The components of a run that files stand behind; others may contain them, as an evaluation its training data.
KEYS = ("backbone", "data", "vocabulary", "dictionary", "alignment", "evaluation", "stability")

# Evaluations that ask for no codes, and dictionaries whose atoms are no names: they need no list of concepts.
_COCOA, _SPLICE = "splice_exp.evaluation.cocoa", "splice_exp.evaluation.splice"
WITHOUT_CONCEPTS = frozenset(
    {
        f"{_COCOA}.augmentations.CocoaAugmentations",
        f"{_COCOA}.explanation.Explanation",
        f"{_COCOA}.insertion_deletion.CocoaInsertionDeletion",
        f"{_COCOA}.localization.CocoaLocalization",
        f"{_COCOA}.sanity.CocoaSanity",
        f"{_SPLICE}.linearity.Linearity",
        f"{_SPLICE}.modality_gap.ModalityGap",
    }
)
WITHOUT_LIST = frozenset(
    {"splice_exp.dictionaries.controls.ClassNames", "splice_exp.dictionaries.controls.LearnedAtoms"}
)
WITH_LIST = frozenset({"splice_exp.evaluation.learned.atom_names.AtomNames"})  # whatever the dictionary is
LEARNED = "splice_exp.dictionaries.learned."  # of embeddings, all of them
VOCABULARIES = "splice_exp.dictionaries.vocabulary."
BACKBONES = "splice_exp.backbones."


def needs_concepts(config: Mapping[str, Any]) -> bool:
    """Say whether a run reads the list of `vocabulary`.

    Args:
        config: Resolved configuration, of which `evaluation` and `dictionary` count.
    """
    evaluation, dictionary = (str(config[part].get("_target_")) for part in ("evaluation", "dictionary"))
    if evaluation in WITH_LIST:
        return True
    return evaluation not in WITHOUT_CONCEPTS and dictionary not in WITHOUT_LIST and not dictionary.startswith(LEARNED)


def require_inputs(config: Mapping[str, Any], keys: Iterable[str] = KEYS) -> None:
    """Fetch weights and lists that have an address, and refuse a configuration that names files that do not exist.

    Args:
        config: Resolved configuration, with all of `KEYS`; nothing is asked of classes of other packages.
        keys: Components that are looked at.

    Raises:
        SpliceError: naming the key, the file, and how it is had.
    """
    for key in keys:
        for place, node in components_in(config[key], key, config):
            if key != "vocabulary" or needs_concepts(config):  # a component that contains it asks for it
                with building(place):
                    _require(place, node, config)


def _require(place: str, node: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    target = str(node["_target_"])
    if target.startswith(BACKBONES):
        require_configured_weights(node, place)
    elif target.startswith(VOCABULARIES):
        if ABSENT not in node.values():
            build(node, place, config).require()
    elif place == "alignment":
        _require_mean(node, config["backbone"])
    else:
        require_source(node)


def _require_mean(alignment: Mapping[str, Any], backbone: Mapping[str, Any]) -> None:
    given = alignment.get("image_mean")
    if given == OFFICIAL:
        if backbone.get("_target_") == OPEN_CLIP:  # others know their names when they are built
            official_mean(encoder_of(backbone))
    elif isinstance(given, str) and given not in (AUTO, ESTIMATE, ZERO):
        require_mean_file(given)


def encoder_of(backbone: Mapping[str, Any]) -> str:
    """Return what a configured model of open_clip is called, as `OpenClipBackbone.encoder` does."""
    model, pretrained = backbone["model"], backbone.get("pretrained")
    return str(model) if pretrained is None else f"{model}/{pretrained}"


def refusal(config: Mapping[str, Any], keys: Iterable[str] = KEYS) -> SpliceError | None:
    """Return why a configuration cannot be computed, as far as its files say; None if they are there.

    Args:
        config: Parts of the configuration, as plain values.
        keys: Those whose files are looked for.
    """
    try:
        require_inputs(config, keys)
    except SpliceError as error:
        return error
    return None
