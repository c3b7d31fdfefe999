"""
Find and remove a spurious correlation, by name
===============================================

A classifier that learned from biased images may look at the background. Codes say so in words, and can be edited in
words. The images have one object of two shapes, on one of two scenes; in the training part shape and scene agree
nearly always.
"""

# %%
from splice_exp import Splice
from splice_exp.data.scenes.spurious import SpuriousScenes

train, test = SpuriousScenes(400, split="train"), SpuriousScenes(400, split="test")
scenes = train.attributes()["scene"].values
train.classes, scenes

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 6, figsize=(10, 2))
for row, axis in enumerate(axes):
    axis.imshow(train.inputs(row, row + 1)[0])
    axis.set_title(train.classes[train.labels[row]])
    axis.axis("off")

# %%
# Find it
# -------
#
# Which concepts tell the classes apart in the training part? If they are not about shapes, something is wrong with
# the data.
import pandas as pd

splice = Splice.load()
found = {"train": splice.decompose(train.inputs(0, len(train))), "test": splice.decompose(test.inputs(0, len(test)))}
means = found["train"].codes.mean_by(train.labels, 2)
difference = pd.Series((means[0] - means[1]).numpy(), index=splice.dictionary.concepts)
difference.loc[difference.abs().sort_values(ascending=False).index].head(10).round(3)

# %%
# What it does to a classifier
# ----------------------------
#
# A linear probe learns from the reconstructions of the training part. Its average in the test part, where shape and
# scene are independent, hides its worst group.
import numpy as np
from sklearn.linear_model import LogisticRegression

groups = 2 * test.labels.numpy() + test.attributes()["scene"].labels.numpy()
names = [f"{shape} on {scene}" for shape in train.classes for scene in scenes]


def accuracies(decompositions):
    """Fit a probe on the training part, and judge it in each group of the test part."""
    probe = LogisticRegression(C=10, max_iter=2000)
    probe.fit(decompositions["train"].reconstruct().numpy(), train.labels.numpy())
    right = probe.predict(decompositions["test"].reconstruct().numpy()) == test.labels.numpy()
    return pd.Series({name: right[groups == group].mean() for group, name in enumerate(names)})


before = accuracies(found)
before.round(3)

# %%
# Remove it
# ---------
#
# All concepts that mention a scene, or one of its synonyms, are switched off: in training, so that the probe cannot
# learn them.
truth = train.truth()
spurious = [name for name in splice.dictionary.concepts if truth.named(name) & set(scenes)]
edited = {part: one.intervene(remove=spurious) for part, one in found.items()}
after = accuracies(edited)
len(spurious), spurious[:8]

# %%
# Does it matter *which* concepts go? As many others, sampled at random among those that are used, are the control.
used = sorted({name for top in found["train"].top(50) for name, _ in top} - set(spurious))
random = np.random.default_rng(0)
others = list(random.choice(used, size=min(len(spurious), len(used) // 2), replace=False))
control = accuracies({part: one.intervene(remove=others) for part, one in found.items()})

table = pd.DataFrame({"before": before, "scenes removed": after, "others removed": control})
table.loc["average"], table.loc["worst group"] = table.mean(), table.min()
table.round(3)

# %%
axis = table.plot.barh(figsize=(8, 4), xlabel="accuracy", xlim=(0, 1))
axis.invert_yaxis()
_ = axis.legend(loc="lower left")

# %%
# The same with intervals, nulls and baselines that know the groups:
#
# .. code-block:: shell
#
#    python -m splice_exp experiment=spurious_histogram
#    python -m splice_exp experiment=intervention_spurious
#
# For your own images: ``data=image_folder data.root=FOLDER``, the classes that are suspicious and the words that you
# suspect. :doc:`05_which_pixels` shows where in the image a concept is, and :doc:`06_attention_heads` edits the model
# instead of its embeddings.
