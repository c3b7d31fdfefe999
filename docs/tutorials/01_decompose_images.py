"""
Decompose your images, and check what the result says
=====================================================

SpLiCE writes the embedding of an image as a sparse sum of concepts. Here you decompose some images, look at the
concepts, and then ask what a careful reader would ask: is the solution optimal, how much of the embedding is left,
and is it true?
"""

# %%
# Images can be files, PIL images or arrays. These are drawn by the synthetic benchmark, so that we know what is in
# them.
from splice_exp import Splice
from splice_exp.data.scenes.plain import Scenes

data = Scenes(64)
images = data.inputs(0, 64)
images[0].resize((192, 192))

# %%
# ``Splice.load()`` loads a backbone, a vocabulary and an image mean. For photographs:
# ``Splice.load("open_clip:ViT-B-32", vocabulary="laion", vocabulary_size=10000)``; everything below stays the same.
splice = Splice.load()
splice

# %%
found = splice.decompose(images)
found

# %%
# The largest codes of the first image, as names and as a figure.
found.top(5)[0]

# %%
found.plot(0)

# %%
# Is it optimal?
# --------------
#
# Every row comes with a duality gap: its objective lies no further than this above the minimum. It is computed in
# float64 on the whole dictionary, whatever solver found the codes.
import pandas as pd

solution = found.solution
pd.DataFrame(
    {
        "duality gap": solution.duality_gap.numpy(),
        "KKT violation": solution.kkt_violation.numpy(),
        "L0": found.codes.l0().numpy(),
    }
).describe().loc[["min", "50%", "max"]]

# %%
# How much of the embedding is left?
# ----------------------------------
#
# The plain cosine of reconstruction and embedding flatters: all embeddings of images are alike, and their mean alone
# has a high cosine with each of them. So we compare without the mean, too (`centred`), and put the mean's own cosine
# beside it.
embeddings = splice.embed(images)
pd.DataFrame(found.cosines(embeddings)).mean().round(3)

# %%
# Is it true?
# -----------
#
# A concept can be true of the image, join words that are true of different objects in it (a *binding error*), or be
# false.
truth = data.truth()


def verdict(concept, sample):
    words = truth.named(concept)
    if truth.holds(words, sample):
        return "true"
    return "binding error" if words <= truth.concepts(sample) else "false"


judged = pd.Series([verdict(name, row) for row, top in enumerate(found.top(8)) for name, _ in top])
judged.value_counts(normalize=True).round(2)

# %%
# Is that more than chance? The same codes, judged by the truth of *another* image, are the null.
shifted = pd.Series([verdict(name, (row + 1) % 64) for row, top in enumerate(found.top(8)) for name, _ in top])
shifted.value_counts(normalize=True).round(2)

# %%
# For photographs nobody knows the truth. What remains are the certificate, the centred cosine and a null: a finding
# that a permuted data set shows as well is none. :doc:`/guides/certificates` says how the tables of this package do
# it.
#
# Edit by name
# ------------
#
# Concepts are switched off by their names, and the embedding is rebuilt without them. Codes of other concepts stay as
# they are.
from torch.nn.functional import cosine_similarity

name = found.top(1)[0][0][0]
without = found.intervene(remove=[name])
name, float(cosine_similarity(found.reconstruct()[:1], without.reconstruct()[:1])[0])

# %%
# The table of all codes has one row per active concept. It is what to keep: ``found.to_parquet("codes.parquet")``.
found.to_dataframe().head()
