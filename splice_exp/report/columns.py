"""How metrics look in tables and figures: their headings and formats, in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


def percent(value: float) -> str:
    """Write a share in per cent with one digit."""
    return f"{100 * value:z.1f}"


def decimals(digits: int) -> Callable[[float], str]:
    """Write a number with a fixed number of digits."""
    return lambda value: f"{value:z.{digits}f}"


def scientific(value: float) -> str:
    """Write a small number by its order of magnitude."""
    return f"{value:.0e}"


@dataclass(frozen=True)
class Column:
    """A metric's heading and format."""

    heading: str
    format: Callable[[float], str]


COLUMNS: Mapping[str, Column] = {
    "zero_shot/top1": Column("top-1 %", percent),
    "zero_shot/top5": Column("top-5 %", percent),
    "zero_shot/top1_dense": Column("dense top-1 %", percent),
    "zero_shot/top5_dense": Column("dense top-5 %", percent),
    "zero_shot/top1_null": Column("null top-1 %", percent),
    "zero_shot/num_classes": Column("classes", decimals(0)),
    "zero_shot/num_samples": Column("n", decimals(0)),
    "data/num_samples": Column("n", decimals(0)),
    "dictionary/size": Column("atoms", decimals(0)),
    "cosine/plain": Column("cosine", decimals(3)),
    "cosine/centred": Column("centred cosine", decimals(3)),
    "cosine/mean_only": Column("mean-only cosine", decimals(3)),
    "l0/mean": Column("L0", decimals(2)),
    "concept/class_in_top5": Column("class concept in top 5 %", percent),
    "concept/class_in_top5_null": Column("null in top 5 %", percent),
    "recovery/precision": Column("precision %", percent),
    "recovery/recall": Column("recall %", percent),
    "recovery/f1": Column("F1 %", percent),
    "recovery/f1_any_sign": Column("F1 of either sign %", percent),
    "recovery/f1_null": Column("null F1 %", percent),
    "recovery/precision_null": Column("null precision %", percent),
    "recovery/recall_null": Column("null recall %", percent),
    "recovery/precision_in_top5": Column("precision in top 5 %", percent),
    "recovery/recall_in_top5": Column("recall in top 5 %", percent),
    "recovery/f1_in_top5": Column("F1 in top 5 %", percent),
    "recovery/average_precision": Column("average precision %", percent),
    "recovery/hallucinated": Column("hallucinated %", percent),
    "recovery/misbound": Column("misbound %", percent),
    "recovery/average_precision_null": Column("null average precision %", percent),
    "recovery/recall_main": Column("main recall %", percent),
    "recovery/recall_main_pooled": Column("pooled main recall %", percent),
    "recovery/precision_pooled": Column("pooled precision %", percent),
    "recovery/recall_main_null": Column("null main recall %", percent),
    "recovery/recall_main_pooled_null": Column("null pooled main recall %", percent),
    "recovery/precision_pooled_null": Column("null pooled precision %", percent),
    "recovery/recall_shape": Column("shape recall %", percent),
    "recovery/recall_colour": Column("colour recall %", percent),
    "recovery/recall_surface": Column("surface recall %", percent),
    "recovery/recall_size": Column("size recall %", percent),
    "recovery/recall_scene": Column("scene recall %", percent),
    "modality_gap/distance": Column("distance of the means", decimals(3)),
    "modality_gap/image_image": Column("image–image", decimals(3)),
    "modality_gap/text_text": Column("text–text", decimals(3)),
    "modality_gap/image_text": Column("image–text", decimals(3)),
    "modality_gap/true_pairs": Column("true pairs", decimals(3)),
    "modality_gap/true_pairs_null": Column("null pairs", decimals(3)),
    "modality_gap/image_image_centred": Column("image–image, centred", decimals(3)),
    "modality_gap/text_text_centred": Column("text–text, centred", decimals(3)),
    "modality_gap/image_text_centred": Column("image–text, centred", decimals(3)),
    "modality_gap/true_pairs_centred": Column("true pairs, centred", decimals(3)),
    "modality_gap/true_pairs_centred_null": Column("null pairs, centred", decimals(3)),
    "linearity/image_first": Column("image w_a", decimals(3)),
    "linearity/image_second": Column("image w_b", decimals(3)),
    "linearity/image_cosine": Column("image cosine", decimals(3)),
    "linearity/image_cosine_null": Column("image null cosine", decimals(3)),
    "linearity/image_first_centred": Column("image w_a, centred", decimals(3)),
    "linearity/image_second_centred": Column("image w_b, centred", decimals(3)),
    "linearity/image_cosine_centred": Column("image cosine, centred", decimals(3)),
    "linearity/image_cosine_centred_null": Column("image null cosine, centred", decimals(3)),
    "linearity/text_first": Column("text w_a", decimals(3)),
    "linearity/text_second": Column("text w_b", decimals(3)),
    "linearity/text_cosine": Column("text cosine", decimals(3)),
    "linearity/text_cosine_null": Column("text null cosine", decimals(3)),
    "linearity/text_first_centred": Column("text w_a, centred", decimals(3)),
    "linearity/text_second_centred": Column("text w_b, centred", decimals(3)),
    "linearity/text_cosine_centred": Column("text cosine, centred", decimals(3)),
    "linearity/text_cosine_centred_null": Column("text null cosine, centred", decimals(3)),
    "probing/dense": Column("dense %", percent),
    "probing/dense_transferred": Column("transferred %", percent),
    "probing/reconstruction": Column("reconstruction %", percent),
    "probing/codes": Column("codes %", percent),
    "probing/codes_null": Column("null %", percent),
    "probing/majority": Column("majority %", percent),
    "probing/gradient_max": Column("max gradient", scientific),
    "intervention/gradient_max": Column("max gradient", scientific),
    "intervention/num_proposed": Column("concepts proposed", decimals(1)),
    "intervention/num_removed": Column("concepts removed", decimals(0)),
    "intervention/num_by_hand": Column("concepts by hand", decimals(0)),
    "spurious/auc": Column("AUC %", percent),
    "spurious/auc_dense": Column("dense AUC %", percent),
    "spurious/auc_null": Column("null AUC %", percent),
    "spurious/active_first": Column("active in first %", percent),
    "spurious/active_second": Column("active in second %", percent),
    "spurious/true_first": Column("true of first %", percent),
    "spurious/true_second": Column("true of second %", percent),
    "spurious/p_value": Column("p value", scientific),
    "drift/prevalence_first": Column("first prevalence %", percent),
    "drift/prevalence_last": Column("last prevalence %", percent),
    "text/gap_max": Column("max gap of texts", scientific),
    "draws/kept": Column("kept %", percent),
    "draws/kept_null": Column("null kept %", percent),
    "draws/shared": Column("shared %", percent),
    "draws/shared_null": Column("null shared %", percent),
    "text/shared": Column("shared %", percent),
    "text/shared_null": Column("null shared %", percent),
    "text/top_shared": Column("top shared %", percent),
    "text/top_shared_null": Column("null top shared %", percent),
    "text/l0": Column("L0 of texts", decimals(2)),
    "text/nearer": Column("own nearer %", percent),
    "text/nearer_dense": Column("dense own nearer %", percent),
    "text/f1_of_text": Column("F1 of the caption %", percent),
    "text/f1_of_image": Column("F1 of the picture %", percent),
    "draws/f1": Column("F1 %", percent),
    "draws/size": Column("atoms", decimals(0)),
    "cocoa/gradient_max": Column("max gradient", scientific),
    "localization/pointing": Column("pointing %", percent),
    "localization/pointing_box": Column("in the box %", percent),
    "localization/both": Column("both %", percent),
    "localization/energy": Column("energy %", percent),
    "localization/average_precision": Column("average precision %", percent),
    "localization/box": Column("box %", percent),
    "localization/box_best": Column("MaxBoxAcc %", percent),
    "localization/iou_mean": Column("IoU above mean", decimals(3)),
    "localization/iou_otsu": Column("IoU above Otsu", decimals(3)),
    "localization/iou_validated": Column("IoU, validated", decimals(3)),
    "localization/energy_ratio": Column("energy × area", decimals(2)),
    "localization/area": Column("area %", percent),
    "stability/interchangeable_share": Column("interchangeable %", percent),
    "stability/dispensable_share": Column("dispensable %", percent),
    "probing/num_train_samples": Column("training n", decimals(0)),
    "solver/l1_penalty_mean": Column("mean L", decimals(3)),
    "solver/gap_max": Column("max gap", scientific),
    "solver/kkt_max": Column("max KKT", scientific),
    "solver/iterations_mean": Column("iterations", decimals(1)),
}


SHARES = (
    "retrieval",
    "class_concepts",
    "intervention",
    "edit",
    "unsafe",
    "grounding",
    "replacement",
)  # families of shares throughout
FIRST = ("null", "dense", "mean_only", "centred")  # ends of a name that stand before its heading


def column(metric: str) -> Column:
    """Return a metric's heading and format; one that nobody described is called by the last part of its name.

    Example:
        >>> column("retrieval/image_to_text_at_1_dense").heading
        'dense image to text at 1 %'
    """
    if metric in COLUMNS:
        return COLUMNS[metric]
    family, _, name = metric.rpartition("/")
    before = ""
    while end := next((end for end in FIRST if name.endswith(f"_{end}")), None):
        before, name = f"{before}{end.replace('_', ' ')} ", name.removesuffix(f"_{end}")
    heading = before + name.replace("_", " ")
    if name.startswith("num_"):
        return Column(heading.removeprefix("num "), decimals(0))
    return Column(f"{heading} %", percent) if family in SHARES else Column(heading, decimals(3))
