"""
Which pixels? COCOA with a corpus and a foil
============================================

COCOA explains why an image resembles a *corpus* rather than a *foil*: two sets of images or texts. The map is large
where a pixel speaks for the corpus, and negative where it speaks for the foil.
"""

# %%
# Two different objects in each image, so that one can be asked for against the other.
from splice_exp import Cocoa
from splice_exp.attribution.rise import Rise
from splice_exp.data.scenes.pairs import ScenePairs

data = ScenePairs(12)
images = data.inputs(0, 12)
first, second = data.regions(0)
first, second

# %%
# The method is RISE: it covers the image by random masks, and asks which of them change the similarity. More masks
# make maps less noisy and take longer; 2,000 or more are usual. A map has the pixels that the model sees, here 84 × 84:
# ``found.maps`` is the array, ``found.plot()`` a figure of matplotlib, with the map over the image.
cocoa = Cocoa.load(method=Rise(num_masks=400, grid=8))
found = cocoa.explain(images[0], f"a photo of a {first}", f"a photo of a {second}")
found.plot()

# %%
# Corpus and foil exchanged: the map changes its sign.
cocoa.explain(images[0], f"a photo of a {second}", f"a photo of a {first}").plot()

# %%
# A corpus can be images, too: here of objects like the first one. The foil by default is all concepts of the
# vocabulary, so that "more like this than like anything else" is asked.
from splice_exp.data.scenes.plain import Scenes

others = Scenes(200, max_objects=1, label="shape")
alike = [row for row in range(len(others)) if others.classes[others.labels[row]] == first.split()[-1]]
if len(alike) >= 2:
    cocoa.explain(images[0], [others.inputs(row, row + 1)[0] for row in alike]).plot()

# %%
# Can it be trusted?
# ------------------
#
# ``found.reliability`` is the rank correlation of two maps from half of the masks each. Below 0.8 there are too few
# masks. Where the truth is known, one can ask whether the largest pixel lies on the object (the *pointing game*). A
# map of noise is the null: it is right as often as the object covers the image.
import numpy as np
import pandas as pd


def on_object(values, mask):
    """Return whether the largest value of a map lies on an object, whatever the sizes of both."""
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    height, width = mask.shape
    return bool(mask[row * height // values.shape[0], column * width // values.shape[1]])


rows = []
random = np.random.default_rng(0)
for row in range(len(images)):
    regions = data.regions(row)
    one, other = regions
    explained = cocoa.explain(images[row], f"a photo of a {one}", f"a photo of a {other}", seed=row)
    rows.append(
        {
            "asked for": one,
            "rather than": other,
            "reliability": float(explained.reliability[0]),
            "peak on object": on_object(explained.maps[0].numpy(), regions[one]),
            "peak of noise": on_object(random.standard_normal(regions[one].shape), regions[one]),
        }
    )
judged = pd.DataFrame(rows)
judged.round(2)

# %%
judged[["peak on object", "peak of noise"]].mean().round(2)

# %%
# What replaces removed pixels matters: a blurred image may still show the object. ``removal=`` on the command line,
# and ``Cocoa.load(removal=…)`` in Python, choose it.
from splice_exp.attribution.removal import Blur

blurred = Cocoa.load(method=Rise(num_masks=400, grid=8), removal=Blur())
blurred.explain(images[0], f"a photo of a {first}", f"a photo of a {second}").plot()

# %%
# For a photo of yours:
#
# .. code-block:: shell
#
#    python -m splice_exp explain photo.jpg 'evaluation.corpus.texts=[a photo of a dog]' backbone=vit_b_32_openai
#
# and with intervals over many images: ``experiment=cocoa_localization``, ``experiment=cocoa_insertion_deletion``.
