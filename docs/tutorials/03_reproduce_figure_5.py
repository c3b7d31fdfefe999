"""
Reproduce Figure 5 of SpLiCE, and read its verdicts
===================================================

Does the semantic relevance of the concepts need all parts of SpLiCE? The figure compares the full method with
variants: signed codes, no centring. ``experiment=semantic_relevance`` asks this on the synthetic benchmark, and
``experiment=paper/semantic_relevance`` with the model and the data of the paper.
"""

# %%
# An experiment says what it asks before it computes anything.
import subprocess
import sys


def run(command, fails=False):
    """Give a command as in a terminal, and show what it prints; one that `fails` ends with a sentence."""
    words = command.split()
    done = subprocess.run([sys.executable, *words[1:]], capture_output=True, text=True, check=False)
    assert bool(done.returncode) == fails, done.stderr
    print(done.stdout + done.stderr if fails else done.stdout)


run("python -m splice_exp experiment=semantic_relevance --help")

# %%
# Here with fewer images and seeds than the committed table has, so that this page is built quickly. All else is the
# same.
run("python -m splice_exp experiment=semantic_relevance data.num_samples=150 seed=0,1,2 logger=none")

# %%
# The table
# ---------
#
# Every number is a mean over seeds with a 95 % interval. Beside each measure stand what it would be for *other*
# concepts (a null), for the concepts nearest to the embedding (a baseline), and for the mean embedding alone.
from pathlib import Path

import pandas as pd

table = pd.read_csv("results/local/tables/semantic_relevance.csv")
shown = [
    "l0/mean",
    "relevance/max_min",
    "relevance/max_min_null",
    "relevance/mean_mean_centred",
    "relevance/mean_mean_centred_null",
]
labels = [name for name in ("variant", "solver") if name in table]
table[[*labels, *(name for name in shown if name in table)]].round(3)

# %%
# The verdicts
# ------------
#
# A claim is stated in the experiment's file, with the direction that is expected. It *holds* if the interval of the
# difference lies on the expected side of zero, *does not hold* if it lies on the other side, and is *undecided* if it
# contains zero. Several comparisons of one claim are adjusted for their number (Holm), so that many comparisons find
# no more by chance than one.
lines = Path("results/local/tables/semantic_relevance.md").read_text().splitlines()
print("\n".join(line for line in lines if line.startswith("- Claim")))

# %%
# With three seeds of 150 images some claims may be undecided that the committed table decides: an interval that
# contains zero says that these data do not decide, not that there is no difference. :doc:`/generated/claims/index`
# lists the verdicts of all committed tables.
#
# The same figure
# ---------------
import matplotlib.pyplot as plt

figures = sorted(Path("results/local/figures").glob("semantic_relevance*.png"))
for path in figures:
    figure, axes = plt.subplots(figsize=(9, 4))
    axes.imshow(plt.imread(path))
    axes.axis("off")
print([path.name for path in figures])

# %%
# As published
# ------------
#
# ``python -m splice_exp experiment=paper/semantic_relevance`` needs the images of COCO and the weights of the paper's
# model. :doc:`/protocol` lists what this setting shares with the paper and with the authors' code, and where it
# deviates.
