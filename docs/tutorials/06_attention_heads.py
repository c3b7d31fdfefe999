"""
Read attention heads from their weights, and edit them by name
==============================================================

SITH needs no images. The value–output matrix of a head has singular vectors: directions that it writes into the
residual stream, and how strongly. Each direction is explained by a few concepts, and can be made weaker, stronger,
or silent.
"""

# %%
from splice_exp import Reading, Sith

sith = Sith.load()
sith

# %%
# The last layer, three vectors of each head. A vector and its opposite are two *signed directions*, + and −. Fidelity
# is the cosine of a direction with the sum of its concepts.
sith.read(Reading([-1], vectors=3)).table().round(2).head(12)

# %%
# How faithful are explanations on the whole, and are they more so than those of directions that mean nothing? Random
# directions of the residual stream are the null.
import pandas as pd
import torch
from torch.nn.functional import normalize

everything = sith.read()
reading = Reading([-1])
noise = normalize(torch.randn(64, everything.spectra.writes.shape[-1], generator=torch.manual_seed(0)).double(), dim=1)
null = reading.explained(noise, sith.backbone, sith.dictionary, sith.solver, sith.mean)
pd.DataFrame(
    {
        "heads": pd.Series(everything.explanations.fidelity()["joint"].numpy()).describe(),
        "random directions": pd.Series(null.fidelity()["joint"].numpy()).describe(),
    }
).loc[["mean", "25%", "50%", "75%"]].round(3)

# %%
# Edit
# ----
#
# Name what the model shall not write about. By default a quarter of the vectors, those whose codes are closest to the
# names, is removed. This model writes about scenes in its first layers, so that all layers are read. The old model
# stays as it is.
from splice_exp.data.scenes.plain import Scenes

data = Scenes(300, max_objects=1)
edited, report = sith.edit(list(data.classes), reading=Reading([0, 1, 2, 3, 4]))
report

# %%
# What does the edit do? The classes of these images are their scenes, and the edit was about scenes. Other attributes
# should be classified as well as before. Are they? An edit that removes a quarter of all vectors takes more with it
# than what it is about, and only a table like this one says how much.
from splice_exp import Splice


def zero_shot(backbone, source):
    """Return the share of images whose class text is nearest."""
    images = normalize(backbone.encode_images(source.inputs(0, len(source))), dim=1)
    texts = normalize(backbone.encode_text([f"a photo of a {name}" for name in source.classes]), dim=1)
    return float(((images @ texts.T).argmax(dim=1) == source.labels).float().mean())


sources = {label: Scenes(300, max_objects=1, label=label) for label in ("scene", "shape", "colour")}
table = pd.DataFrame(
    {
        label: {
            "before": zero_shot(sith.backbone, source),
            "after": zero_shot(edited.backbone, source),
            "chance": 1 / len(source.classes),
        }
        for label, source in sources.items()
    }
)
table.round(3)

# %%
# Why does so much else go with it? Later layers read what the first ones write, and now lack it. Take the same vectors
# from what heads add to the *class token* alone, and scenes lose their say while other images are classified nearly as
# before. A checkpoint cannot do that, but it shows what the vectors are about: ``experiment=sith_edit_spurious`` has
# both.
#
# Vectors can be named, too, one by one or a whole head. Which heads write about what is in the table that
# ``experiment=sith_heads`` writes, in its section "Share of each kind of concept, by head".
from splice_exp.heads.selectors import ByList

silent, report = sith.edit(ByList(["L4.H2", "L4.H3.0"]))
report

# %%
# How strong may an edit be? The share of vectors that is removed is a rule; other selectors and rules are in
# :py:mod:`splice_exp.heads.selectors` and :py:mod:`splice_exp.heads.rules`. An edit that changes as much at random
# belongs beside every number: ``experiment=sith_edit_spurious`` has it.
#
# Save
# ----
#
# The edited model is an ordinary checkpoint of open_clip. On the command line it is ``backbone=open_clip
# backbone.model=local-dir:edited_clip``, with the image mean that lies beside it.
name = edited.save("edited_clip")
Splice.load(name).decompose(data.inputs(0, 1)).top(5)[0]
