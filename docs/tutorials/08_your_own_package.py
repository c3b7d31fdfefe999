"""
Add a solver, a data set and a question from your own package
=============================================================

Nothing here needs a fork. A folder with a Python package and some yaml files is enough; commands find the yaml by
``--config-dir`` and run the classes of packages that you name in ``trust``.
"""

# %%
# This tutorial writes its files as it goes. In your laboratory they would lie in your own repository.
import subprocess
import sys
from pathlib import Path


def write(path, text):
    """Write a file and show it."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text.lstrip())
    print(f"{path}\n{'-' * len(path)}\n{text.strip()}")


def run(command, fails=False):
    """Give a command as in a terminal, and show what it prints; one that `fails` ends with a sentence."""
    words = command.split()
    done = subprocess.run([sys.executable, *words[1:]], capture_output=True, text=True, check=False)
    assert bool(done.returncode) == fails, done.stderr
    print(done.stdout + done.stderr if fails else done.stdout)


# %%
# A data set
# ----------
#
# Coloured discs. ``inputs`` gives images, ``fingerprint`` changes whenever the samples do: embeddings are kept by it.
write("my_lab/__init__.py", '"""Parts of our own."""\n')
write(
    "my_lab/data.py",
    '''
"""Coloured discs on white."""

import torch
from PIL import Image, ImageDraw

from splice_exp.core.io import digest
from splice_exp.data.base import EncodableSource

COLOURS = ("red", "green", "blue")


class Discs(EncodableSource):
    kind = "own images"

    def __init__(self, num_samples, name="discs", missing_classes="error"):
        super().__init__(name, missing_classes)
        self.classes = COLOURS
        self.labels = torch.arange(num_samples) % len(COLOURS)
        self.sample_ids = tuple(f"disc-{number}" for number in range(num_samples))

    def inputs(self, start, stop):
        return [self.draw(number) for number in range(start, stop)]

    def draw(self, number):
        image = Image.new("RGB", (64, 64), "white")
        radius = 10 + number % 15
        ImageDraw.Draw(image).ellipse((32 - radius, 32 - radius, 32 + radius, 32 + radius), COLOURS[number % 3])
        return image

    def fingerprint(self):
        return digest([image.tobytes().hex() for image in self.inputs(0, len(self))])
''',
)
write(
    "conf/data/discs.yaml",
    """
_target_: my_lab.data.Discs
num_samples: 60
name: discs
missing_classes: error
""",
)

# %%
# A solver
# --------
#
# The concepts with the largest correlations, without a fit. The base class computes the certificate: a solver does
# not judge itself.
write(
    "my_lab/solver.py",
    '''
"""The most correlated concepts, each with its correlation as its code."""

from dataclasses import dataclass

import torch

from splice_exp.solvers.base import SupportSolver


@dataclass(frozen=True, kw_only=True)
class Correlations(SupportSolver):
    target_l0: int = 4

    def _solve_batch(self, state, targets):
        values, support = (targets @ state.atoms.T).topk(self.target_l0)
        once = torch.ones(len(targets), dtype=torch.int64)  # iterations of each row
        return self._certified_support(state, targets, support, values.clamp(min=0), once)
''',
)
write(
    "conf/solver/correlations.yaml",
    """
_target_: my_lab.solver.Correlations
nonnegative: true
batch_size: 1024
target_l0: 4
""",
)

# %%
# A question
# ----------
#
# Every measure is declared beside the code that computes it, and a null belongs beside it: here, the same with
# permuted colours.
write(
    "my_lab/question.py",
    '''
"""Is the largest concept of a disc its colour?"""

import numpy as np

from splice_exp.core.measures import Measure, Unit
from splice_exp.evaluation.base import NUM_SAMPLES, Evaluation, Findings

NAMED = Measure("disc/named", "colour is the largest concept", Unit.SHARE, higher_is_better=True)
NULL = Measure("disc/named_null", "the same, colours permuted", Unit.SHARE)


class NamesItsColour(Evaluation):
    measures = (NAMED, NULL, NUM_SAMPLES)

    def __init__(self, bootstrap_resamples=1000, seed=0):
        super().__init__(bootstrap_resamples, seed)

    def evaluate(self, study):
        embeddings = study.embeddings
        largest = np.array([top[0][0] if top else "" for top in study.decomposition.codes.top(1)])
        colour = np.array([embeddings.classes[label] for label in embeddings.labels.tolist()])
        samples = {
            "disc/named": (largest == colour).astype(float),
            "disc/named_null": (largest == colour[self._permutation(len(colour))]).astype(float),
        }
        metrics = {**self._summarised(samples), "data/num_samples": len(embeddings)}
        return Findings(metrics, embeddings.sample_ids, samples)
''',
)
write(
    "conf/evaluation/names_its_colour.yaml",
    """
_target_: my_lab.question.NamesItsColour
bootstrap_resamples: 1000
seed: ${seed}
""",
)

# %%
# An experiment
# -------------
#
# A vocabulary of some words, and what differs from the defaults: a question, a claim, and rows. The first line is
# needed.
write("colours.txt", "star\nring\nwood\nblack\nblue\ngreen\nred\n")
write(
    "conf/experiment/discs.yaml",
    """
# @package _global_
# Is the largest concept of a coloured disc its colour?
#
#   python -m splice_exp --config-dir conf experiment=discs trust=[my_lab]
defaults:
  - override /data: discs
  - override /vocabulary: file
  - override /evaluation: names_its_colour
name: discs
vocabulary:
  path: colours.txt
report:
  title: Colours of discs
  question: Is the largest concept of a coloured disc its colour?
  columns: [disc/named, disc/named_null, data/num_samples]
  comparisons:
    - _target_: splice_exp.report.comparisons.Contrast
      claim: the colour is named more often than with permuted colours
      metric: disc/named
      baseline: disc/named_null
      expected: higher
hydra:
  sweeper:
    params:
      solver: active_set,correlations
""",
)

# %%
run("python -m splice_exp --config-dir conf experiment=discs trust=[my_lab] logger=none")

# %%
# Without ``trust`` no code of yours is run: a configuration from elsewhere can do nothing that you did not name.
run("python -m splice_exp --config-dir conf experiment=discs logger=none", fails=True)

# %%
# Your solver works in every experiment, and your data set with every question: ``python -m splice_exp --config-dir
# conf experiment=zero_shot solver=correlations trust=[my_lab]``. More parts to extend are in
# :doc:`/generated/repo/CONTRIBUTING`.
