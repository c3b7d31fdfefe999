"""
Weights & Biases: from an offline run to a report
=================================================

Records are files in ``results/local``. Weights & Biases mirrors them: offline by default, so that nothing leaves
the machine unless you ask for it. Here you make runs offline, look at what would be sent, and at the report that
needs no account.
"""

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
    "python -m splice_exp -m experiment=zero_shot data.num_samples=200 solver.l1_penalty=0.15,0.3 logger=wandb "
    "logger.project=my_study logger.tags=[tutorial]"
)

# %%
# Each run of the sweep is a run there, and all have the name of the experiment as their group. These folders are what
# ``wandb sync`` sends when you give the command of the last line above.
from pathlib import Path

for folder in sorted(Path("results/local/wandb").glob("offline-run-*")):
    print(folder)

# %%
# What is in a record
# -------------------
#
# ``metrics.json`` is the source, and W&B's summary a copy of it under the same names.
import json

records = sorted(Path("results/local/runs/zero_shot").glob("*/metrics.json"))
metrics = json.loads(records[0].read_text())
{name: value for name, value in metrics.items() if name.startswith(("zero_shot/", "cosine/"))}

# %%
# The settings, and the machine, code and versions that they ran with:
print((records[0].parent / "config.yaml").read_text()[:400])

# %%
sorted(json.loads((records[0].parent / "environment.json").read_text()))

# %%
# The report
# ----------
#
# Tables and pages are made of these records, whether W&B is used or not. A page is a single file that opens in a
# browser; it can be sent by mail.
for path in sorted(Path("results/local").glob("*/zero_shot.*")):
    print(path, path.stat().st_size, "bytes")

# %%
import pandas as pd

table = pd.read_csv("results/local/tables/zero_shot.csv")
table[
    [
        name
        for name in table
        if name in ("solver.l1_penalty", "l0/mean", "zero_shot/top1", "zero_shot/top1_null", "cosine/centred")
    ]
]

# %%
# Online
# ------
#
# After ``wandb login``, either send what lies here, or mirror while it runs:
#
# .. code-block:: shell
#
#    wandb sync results/local/wandb/offline-run-*
#    python -m splice_exp experiment=ablation_nonneg logger.mode=online logger.entity=my_team
#
# In the workspace group runs by *Group*, and choose ``l0/mean`` and ``zero_shot/top1`` as axes of a scatter plot:
# that is the figure of the table above. ``logger=none`` turns it off.
