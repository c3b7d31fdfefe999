"""Lists of concepts as the authors publish them: where their weights, names and image mean are.

SPLICE_EXP_SITH_DATA is a folder with vit_l_14.safetensors (laion2b_s32b_b82k), conceptnet.txt (the authors' names, one
a line) and image_mean.safetensors (of CC12M).
"""

import os
from pathlib import Path

import pytest

from splice_exp.backbones.open_clip import OpenClipBackbone
from splice_exp.dictionaries.text import encode_concepts
from splice_exp.dictionaries.vocabulary import read_names
from splice_exp.embeddings.geometry import Alignment, read_mean
from splice_exp.heads.reading import Reading
from splice_exp.solvers.comp import COMP

DATA = Path(os.environ.get("SPLICE_EXP_SITH_DATA", "nowhere"))
COLOURS = {  # head 8 of layer 23: the first concepts of its vectors, and their codes
    "L23.H8.0+": [("pink red", 0.3144), ("red telephone", 0.1571), ("red and white factors", 0.1503)],
    "L23.H8.1+": [("royal purple", 0.2482), ("purple pills", 0.1838), ("purple thing", 0.1546)],
    "L23.H8.2+": [("blue pink", 0.2813), ("blue and white ceramics", 0.1795), ("prussian blue", 0.1376)],
    "L23.H8.3+": [("cobalt ocher", 0.2203), ("orange red colored", 0.2014), ("padparadscha sapphire", 0.1789)],
}


@pytest.mark.skipif(
    not (DATA / "vit_l_14.safetensors").is_file(),
    reason="SPLICE_EXP_SITH_DATA names no folder with the weights, names and image mean of the authors",
)
def test_the_head_of_colours_is_explained_as_published():
    backbone = OpenClipBackbone("ViT-L-14", "laion2b_s32b_b82k", weights=str(DATA / "vit_l_14.safetensors"))
    dictionary = encode_concepts(read_names(DATA / "conceptnet.txt"), backbone, Alignment(), {})
    mean = read_mean(str(DATA / "image_mean.safetensors"), backbone.dim)
    solver = COMP(target_l0=5, coherence=0.3, fitting=False)
    found = Reading((23,), vectors=5).read(backbone, dictionary, solver, mean)
    lists = dict(zip(found.names, found.explanations.top(3), strict=True))
    for name, expected in COLOURS.items():
        assert [concept for concept, _ in lists[name]] == [concept for concept, _ in expected]
        assert [code for _, code in lists[name]] == pytest.approx([code for _, code in expected], abs=0.01)
