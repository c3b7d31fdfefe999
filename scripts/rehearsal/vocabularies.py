"""Miniature vocabularies under the names of the published ones: words that presets and data sets name, and others."""

from __future__ import annotations

from pathlib import Path

from scripts.rehearsal.data_sets import CIFAR_10, CIFAR_100, write_lines

WORDS = (
    "trunks underwear bra swimwear desert convertible yellow bamboo forest beach ocean eyewear sunglasses glasses "
    "visor forestry rainforest hiking natur biodiversity tree car street water sky snow grass sand rock river lake "
    "boat hot cold big small large little old young new happy sad light dark day night black white wet dry full empty "
    "open closed high low long short hard soft boy girl child crowd soldier weapon park house city summer winter land "
    "red green blue brown portrait painting drawing photo pattern texture wing leaf flower fur hat hand face road "
    "bridge tower food plate "
    "woods jungle meadow mountain landscape coast sunset"
)
PAIRS = (
    "bird feeder,forest landscape,tropical forest,autumn forest,mountain lake,winter forest,nature background,"
    "tree branch,forest animals,adult male,blue sky,white sand,old town,night sky,red car,green grass"
)
SINGLES = list(dict.fromkeys((*WORDS.split(), *CIFAR_10, *CIFAR_100)))
SEVERAL = PAIRS.split(",")
PUBLISHED = {"laion": SINGLES, "mscoco": SINGLES, "laion_bigrams": SEVERAL + SINGLES}
LEXICONS = {"conceptnet": SINGLES + SEVERAL, "wordnet": SINGLES}


def write_vocabularies(data: Path, downloads: Path) -> None:
    """Write them where the configuration looks for them.

    Args:
        data: `paths.data`.
        downloads: `paths.downloads`.
    """
    for name, words in PUBLISHED.items():
        write_lines(downloads / "vocabulary" / f"{name}.txt", words)
    for name, words in LEXICONS.items():
        write_lines(data / "lexicons" / f"{name}.txt", words)
