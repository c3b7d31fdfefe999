"""
Your own embeddings and your own vocabulary
===========================================

You need neither images nor a model: a matrix of embeddings is enough, with the embeddings of some texts from the
same encoder.
"""

# %%
# In Python
# ---------
#
# Here a small CLIP stands for your encoder. What follows uses nothing but the matrices that it leaves behind.

from splice_exp import Splice
from splice_exp.data.scenes.plain import Scenes

data = Scenes(300, max_objects=1)
encoder = Splice.load()
embeddings = encoder.embed(data.inputs(0, 300)).numpy()
embeddings.shape, embeddings.dtype

# %%
# A vocabulary is a list of names: from a file with one per line, or from Python. This one has the words of the
# classes and some that occur in no image.
names = [*data.classes, "red", "green", "blue", "yellow", "violin", "tractor", "spoon"]
splice = Splice.load(vocabulary=names)
splice

# %%
# A matrix (n, d) of NumPy or PyTorch is decomposed like images are. Rows of any length will do; they are normalised.
found = splice.decompose(embeddings)
found.top(3)[:3]

# %%
# How often is each name used? Codes of words that occur in no image are false.
used = found.to_dataframe().groupby("concept").code.agg(["count", "mean"]).sort_values("count", ascending=False)
used.head(12).round(3)

# %%
# Which image mean?
# -----------------
#
# Embeddings of images and of texts lie in different parts of the space. What is decomposed is therefore the embedding
# minus the *image mean* μ. It comes with published models, is estimated by ``python -m splice_exp estimate-mean``, or
# is that of your own images, if there are many. Without it the codes explain what all images share:
import torch

from splice_exp import Alignment

uncentred = Splice(
    splice.backbone, splice.dictionary, torch.zeros(embeddings.shape[1]), alignment=Alignment(image=False)
)
{
    "centred": found.codes.l0().float().mean().item(),
    "not centred": uncentred.decompose(embeddings).codes.l0().float().mean().item(),
}

# %%
# From files, on the command line
# -------------------------------
#
# Experiments read the same from files. ``T`` holds the texts, ``E`` the images: see :doc:`/embeddings` for all
# layouts.
import json
from pathlib import Path

from safetensors.numpy import save_file

texts = [*names, *(f"a photo of a {name}" for name in data.classes)]
save_file({"embeddings": encoder.backbone.encode_text(texts).numpy()}, "T.safetensors")
Path("T.json").write_text(json.dumps({"texts": texts}))
save_file({"embeddings": embeddings, "labels": data.labels.numpy()}, "E.safetensors")
Path("E.json").write_text(json.dumps({"classes": list(data.classes)}))

# %%
import subprocess
import sys


def run(command, fails=False):
    """Give a command as in a terminal, and show what it prints; one that `fails` ends with a sentence."""
    words = command.split()
    done = subprocess.run([sys.executable, *words[1:]], capture_output=True, text=True, check=False)
    assert bool(done.returncode) == fails, done.stderr
    print(done.stdout + done.stderr if fails else done.stdout)


run(
    "python -m splice_exp experiment=zero_shot backbone=precomputed backbone.texts=T.safetensors data=embeddings_file "
    "data.path=E.safetensors vocabulary=bank alignment.image_mean=estimate solver.l1_penalty=0.2 logger=none"
)

# %%
# Beside the table lie a page to look at, and the record of the run with codes and settings.
sorted(str(path) for path in Path("results/local").rglob("*") if path.suffix in {".md", ".html", ".parquet", ".json"})[
    :12
]
