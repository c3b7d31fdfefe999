"""
Compare with sparse autoencoders
================================

A vocabulary gives atoms that have names. An autoencoder learns atoms from embeddings, and has to be given names.
Here both are judged by the same certified solver, at the same number of concepts.
"""

# %%
# Fit an autoencoder
# ------------------
#
# Training images are never those that are decomposed: such a training set is refused.
from splice_exp import Splice
from splice_exp.core.types import Embeddings
from splice_exp.data.scenes.plain import Scenes
from splice_exp.dictionaries.base import Ingredients
from splice_exp.dictionaries.learned.top_k import TopKAutoencoder
from splice_exp.dictionaries.vocabulary import NamesVocabulary
from splice_exp.embeddings.geometry import Alignment, image_mean

splice = Splice.load()
test = Scenes(300)
features = splice.embed(test.inputs(0, len(test)))
embeddings = Embeddings(features, test.labels, test.sample_ids, test.classes, "image", splice.backbone.backbone_id)
alignment, mean = Alignment(), image_mean(embeddings)
ingredients = Ingredients(splice.backbone, NamesVocabulary(list(test.classes)), embeddings, alignment, mean)

size = 128
train = Scenes(1500, split="train")
learned = TopKAutoencoder(train=train, size=size, epochs=30, target_l0=8).build(ingredients)
untrained = TopKAutoencoder(train=train, size=size, epochs=30, target_l0=8, trained=False).build(ingredients)
learned

# %%
# The same sparsity for all
# -------------------------
#
# ``LassoPath(mean_l0=8, …)`` follows the exact path of every row until there are eight concepts on average.
# Dictionaries of different sizes and coherence can only be compared so: at one penalty they are differently sparse.
import pandas as pd
from torch.nn.functional import normalize

from splice_exp import LassoPath, decompose

dictionaries = {"vocabulary": splice.dictionary, "TopK autoencoder": learned, "untrained": untrained}
found = {
    name: decompose(embeddings, dictionary, LassoPath(mean_l0=8.0, l1_penalty=0.01), alignment, mean)
    for name, dictionary in dictionaries.items()
}
texts = normalize(splice.backbone.encode_text([f"a photo of a {name}" for name in test.classes]), dim=1)


def described(one):
    rebuilt = one.reconstruct()
    return {
        "atoms": len(one.dictionary),
        "L0": float(one.codes.l0().float().mean()),
        "centred cosine": float(one.cosines(features)["centred"].mean()),
        "zero-shot accuracy": float(((rebuilt @ texts.T).argmax(dim=1) == test.labels).float().mean()),
        "largest gap": float(one.solution.duality_gap.max()),
    }


table = pd.DataFrame({name: described(one) for name, one in found.items()}).T
table["dense accuracy"] = float(((features @ texts.T).argmax(dim=1) == test.labels).float().mean())
table.round(4)

# %%
# Learned atoms have no names
# ---------------------------
#
# What an atom stands for can be read from the images that use it most. Where the truth is known, it can be asked how
# often the concept that these share is more than chance; ``evaluation=atom_names`` does it, beside shuffled names.
truth = test.truth()
counts = {}
codes = found["TopK autoencoder"].codes.dense()
for atom in codes.sum(dim=0).argsort(descending=True)[:5].tolist():
    users = codes[:, atom].argsort(descending=True)[:10].tolist()
    shared = pd.Series([concept for row in users for concept in truth.concepts(row)]).value_counts()
    counts[learned.concepts[atom]] = ", ".join(f"{concept} {count}/10" for concept, count in shared.head(3).items())
pd.Series(counts)

# %%
# What the encoder loses
# ----------------------
#
# An encoder finds codes in one pass. The solver finds the best ones over the same atoms. The difference of the
# objective at one penalty is the *amortisation gap*; it is never negative by more than the duality gap of the solver.
from splice_exp import ActiveSet
from splice_exp.embeddings.geometry import center
from splice_exp.solvers.objective import value

l1_penalty = 0.1
targets, _ = center(features, mean)
atoms = learned.atoms.double()
solver = ActiveSet(l1_penalty=l1_penalty)
found_by = {
    "encoder": learned.encoder.encode(targets),
    "solver": solver.solve(solver.prepare(learned.atoms), targets).codes.dense(),
}
objective = {who: value(targets.double(), atoms, codes.double(), l1_penalty) for who, codes in found_by.items()}
gap = objective["encoder"] - objective["solver"]
pd.Series(gap.numpy()).describe().loc[["min", "mean", "max"]].round(4)

# %%
# All methods on one table, with intervals and controls that must lose: ``experiment=concept_methods`` and
# ``experiment=amortisation``. :doc:`/dictionaries` lists them.
