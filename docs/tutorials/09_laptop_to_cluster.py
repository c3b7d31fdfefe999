"""
From a laptop to Slurm and many GPUs
====================================

The same command runs in one process, in several, or as an array of jobs, and ends with the same numbers. Embeddings
and codes are kept batch by batch, so that what was computed is never lost and never computed twice. This page runs
on a laptop what is not different on a cluster, and shows the commands that are.
"""

# %%
import subprocess
import sys


def run(command, last=None, fails=False):
    """Give a command as in a terminal, and show what it prints, or its last lines."""
    words = command.split()
    done = subprocess.run([sys.executable, *words[1:]], capture_output=True, text=True, check=False)
    assert bool(done.returncode) == fails, done.stderr
    lines = (done.stdout + done.stderr if fails else done.stdout).strip().splitlines()
    print("\n".join(lines if last is None else lines[-last:]))


# %%
# Jobs that know nothing of each other
# ------------------------------------
#
# ``shard.count=2`` splits the batches by their number. Two jobs that share the folder ``paths.cache`` fill it
# together; each is a separate command, on any machine that sees the folder. They end after their share.
shared = "experiment=zero_shot data.num_samples=200 trainer=cpu trainer.batch_size=50 paths.cache=cache logger=none"

run(f"python -m splice_exp {shared} shard.count=2 shard.index=0", last=2)
run(f"python -m splice_exp {shared} shard.count=2 shard.index=1", last=2)

# %%
# What lies in the cache: one file for each batch, with its checksum. Which process made it leaves no trace.
from pathlib import Path

for path in sorted(Path("cache").rglob("*"))[:12]:
    print(path)

# %%
# The same command without ``shard.*`` finds the embeddings, computes what is missing, and writes the record.
run(f"python -m splice_exp {shared}")

# %%
# Given again, it reads its record instead of computing. The run's identity is a digest of settings, data and code;
# where and how it was computed is no part of it.
run(f"python -m splice_exp {shared} trainer.batch_size=100", last=4)

# %%
# Damage
# ------
#
# A file that was cut off by a full disk or a broken network is found by its checksum, and named.
batch = max(Path("cache").rglob("*.safetensors"), key=lambda path: path.stat().st_size)
batch.write_bytes(batch.read_bytes()[:-100])
run(f"python -m splice_exp {shared} force=true", last=4, fails=True)

# %%
# ``repair=true`` computes it again, and nothing else.
run(f"python -m splice_exp {shared} force=true repair=true", last=4)

# %%
# On a cluster
# ------------
#
# Several GPUs of one machine, and Slurm: one job for each row of the table.
#
# .. code-block:: shell
#
#    python -m splice_exp experiment=paper/zero_shot trainer=ddp
#    python -m splice_exp experiment=paper/zero_shot hydra/launcher=slurm_gpu hydra.launcher.partition=gpu trainer=gpu
#
# A data set that is too large for one job is embedded by eight first:
#
# .. code-block:: shell
#
#    python -m splice_exp -m experiment=paper/zero_shot hydra/launcher=slurm_gpu trainer=gpu \
#        shard.count=8 'shard.index=range(0,8)'
#
# A job that is preempted ends after the batch at hand with exit code 75 and goes on with the same command.
# :doc:`/clusters` has the rest: requeueing, shared folders, sweeps by an agent of Weights & Biases.
