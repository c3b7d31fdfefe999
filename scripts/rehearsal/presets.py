"""How the presets are narrowed for the rehearsal: in numbers of things, never in kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from splice_exp.configuration import CONFIG_DIRECTORY

PRESETS = tuple(sorted(path.stem for path in (CONFIG_DIRECTORY / "experiment" / "paper").glob("*.yaml")))
REAL = frozenset({"zero_shot", "cocoa_localization"})  # with ViT-B/32 in its real size
URL = "{judge}"  # stands for the address of the stand-in for a language model


@dataclass(frozen=True)
class Narrowing:
    """What is changed where rows of a preset are computed; all rows are built as published.

    Attributes:
        limits: Overrides: fewer masks, steps, images.
        rows: Values of swept keys, key → value or values with commas; those of other keys are of the first row beside
            which a published number stands, or of the first row.
    """

    limits: Sequence[str] = ()
    rows: Mapping[str, str] = field(default_factory=dict)


COCOA = ("evaluation.per_class=1", "evaluation.corpus_size=2", "evaluation.foil_size=4", "evaluation.steps=4")
KINDS = {"evaluation.kind": "contrastive_corpus,label_free"}
TWO_CLASSES = "evaluation.classes=[English springer,chain saw]"
LAST = "evaluation.reading.layers=[-1]"  # of which all vectors are read, as edits need
ASKED_ONCE = ("evaluation.selector.judge.repeats=1", LAST)
NARROWED: dict[str, Narrowing] = {
    "cocoa_augmentations": Narrowing(("evaluation.foil_size=8", "method.num_masks=16")),
    "cocoa_cifar10": Narrowing((*COCOA, "method.steps=4"), {"method": "integrated_gradients", **KINDS}),
    "cocoa_corpus_size": Narrowing((*COCOA, "method.num_masks=16", TWO_CLASSES), {"evaluation.corpus_size": "1,2"}),
    "cocoa_foil_size": Narrowing((*COCOA, "method.num_masks=16", TWO_CLASSES), {"evaluation.foil_size": "2,4"}),
    "cocoa_imagenet": Narrowing((*COCOA, "method.num_masks=16", TWO_CLASSES), KINDS),
    "cocoa_localization": Narrowing(("method.num_masks=16", "data.limit=4", "evaluation.val.limit=2")),
    "cocoa_mura": Narrowing((*COCOA, "method.num_samples=4"), {"method": "gradient_shap", **KINDS}),
    "cocoa_randomized_cifar10": Narrowing((*COCOA, "method.steps=4"), {"method": "integrated_gradients"}),
    "cocoa_randomized_imagenet": Narrowing((*COCOA, "method.num_masks=16", TWO_CLASSES), {"method": "rise_published"}),
    "cocoa_randomized_mura": Narrowing((*COCOA, "method.num_samples=4"), {"method": "gradient_shap"}),
    "concept_methods": Narrowing((), {"variant": "concepts/vocabulary,expansion/x4"}),
    "linearity": Narrowing(("evaluation.num_pairs=40",)),
    "retrieval": Narrowing(("evaluation.batch_size=8", "evaluation.num_batches=3")),
    "sith_adaptation": Narrowing(("evaluation.tuning.epochs=1", LAST)),
    "sith_coherence": Narrowing(("evaluation.reading.vectors=2",)),
    "sith_edit_spurious_judged": Narrowing((*ASKED_ONCE, f"evaluation.selector.judge.url={URL}")),
    "sith_edit_unsafe": Narrowing((*ASKED_ONCE, f"evaluation.selector.judge.url={URL}")),
    "sith_fidelity": Narrowing(("evaluation.reading.vectors=2",)),
    "sith_grounding": Narrowing(("evaluation.reading.vectors=2",)),
    "sith_heads": Narrowing((), {"evaluation.reading.layers": "[-1]"}),  # of the heads that its figure shows
    "sith_judged": Narrowing(("evaluation.reading.vectors=1", f"evaluation.judge.url={URL}")),
}


def narrowing_of(preset: str) -> Narrowing:
    """Return what is changed of a preset; nothing, of one that is cheap as it is."""
    return NARROWED.get(preset, Narrowing())
