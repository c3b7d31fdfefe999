"""Similarities of SimCLR as the authors' own check has them: where its weights and ImageNet are.

SPLICE_EXP_IMAGENET_DATA is a folder like paths.data: weights/simclr_r50_1x.pth, imagenet/val/n01440764/….
"""

import os
from pathlib import Path

import pytest
import torch

from splice_exp.attribution.corpus import Corpus
from splice_exp.attribution.targets import target_of
from splice_exp.backbones.resnet import ResNetBackbone
from splice_exp.data.image_folder import ImageFolder

DATA = Path(os.environ.get("SPLICE_EXP_IMAGENET_DATA", "nowhere"))
TENCH, OTHERS = "n01440764", ("n02102040", "n02979186")


@pytest.mark.skipif(
    not (DATA / "weights" / "simclr_r50_1x.pth").is_file(),
    reason="SPLICE_EXP_IMAGENET_DATA names no folder with the weights of SimCLR and ImageNet",
)
def test_similarities_are_those_of_the_authors():
    backbone = ResNetBackbone("resnet50", str(DATA / "weights" / "simclr_r50_1x.pth"))
    data = ImageFolder(str(DATA / "imagenet" / "val"))

    def represent(synset, first, last):
        places = (data.labels == data.classes.index(synset)).nonzero().flatten()[first:last].tolist()
        return torch.cat([backbone.represent(backbone.preprocess(data.inputs(place, place + 1))) for place in places])

    own = represent(TENCH, 0, 25)
    corpus = Corpus.of("tench", [represent(TENCH, 25, 50)])
    foil = Corpus.of("others", [represent(synset, 0, 50) for synset in OTHERS])
    samples = torch.arange(len(own))
    expected = {  # lowest, mean, highest
        "contrastive_corpus": (0.025, 0.313, 0.416),
        "corpus": (0.311, 0.556, 0.630),
        "contrastive_label_free": (0.69, None, 0.81),
    }
    for kind, (lowest, mean, highest) in expected.items():
        scores = target_of(kind, explicands=own, corpus=corpus, foil=foil).scores(own, samples)[:, 0]
        assert scores.min().item() == pytest.approx(lowest, abs=0.01)
        assert scores.max().item() == pytest.approx(highest, abs=0.01)
        if mean is not None:
            assert scores.mean().item() == pytest.approx(mean, abs=0.005)
