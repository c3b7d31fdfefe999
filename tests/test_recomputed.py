"""Cells of committed tables, computed again from the stored embeddings by NumPy and scikit-learn alone.

Nothing of the package is used: formulas are written out from the papers, codes are those of scikit-learn's Lasso.

    ‖x − w D‖² + λ ‖w‖₁  =  2 d · ( ‖x − w D‖² / (2 d) + λ / (2 d) ‖w‖₁ )        d = width of the embeddings
"""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from sklearn.linear_model import Lasso

TABLES = Path(__file__).parents[1] / "results" / "tables"
PAIRS, CIFAR = "coco_val_pairs300_vitb16", "cifar10_test500"
PRINTED = 5e-4  # a share is printed as 61.7 %, a cosine as 0.325: half a unit of the last place


def unit(rows):
    """Return rows of unit length; those of an image without a concept stay zero."""
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-300)


def read(path, name):
    return load_file(path)[name].astype(np.float64)


def lasso(targets, atoms, penalty, nonnegative=True):
    """Return codes, (n, k)."""
    model = Lasso(
        penalty / (2 * atoms.shape[1]), fit_intercept=False, positive=nonnegative, tol=1e-11, max_iter=100_000
    )
    return np.stack([model.fit(atoms.T, target).coef_ for target in targets])


def cell(table, heading, **row):
    """Return a number of a committed table.

    Args:
        table: Name of the file.
        heading: Column.
        row: Value of each column that names the row, as it is written; dots are double underscores.
    """
    with (TABLES / f"{table}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    (found,) = [one for one in rows if all(one[key.replace("__", ".")] == value for key, value in row.items())]
    return float(found[heading])


class Space:
    """Embeddings, concepts and the published image mean of one data set."""

    def __init__(self, folder, data, texts, mean):
        stored = folder / "embeddings" / f"{data}.safetensors"
        self.images = unit(read(stored, "embeddings"))
        self.described = json.loads(stored.with_suffix(".json").read_text(encoding="utf-8"))
        held = load_file(stored)
        self.labels = held.get("labels")
        self.captions = unit(held["captions"].astype(np.float64)) if "captions" in held else None
        bank = folder / "text" / f"{texts}.safetensors"
        self.names = json.loads(bank.with_suffix(".json").read_text(encoding="utf-8"))["texts"]
        self.texts = unit(read(bank, "embeddings"))
        (mean,) = load_file(folder / "means" / f"{mean}.safetensors").values()
        self.mean = mean.astype(np.float64).ravel()
        self.atoms = unit(self.texts - self.texts.mean(axis=0))
        self.targets = unit(self.images - self.mean)


@pytest.fixture(scope="module")
def pairs(real_data):
    return Space(real_data, PAIRS, "coco133_vitb16", "clip_ViT-B-16_image")


@pytest.fixture(scope="module")
def cifar(real_data):
    return Space(real_data, CIFAR, "objects1585", "clip_ViT-B-32_image")


def test_the_modality_gap(pairs):
    images, captions, table = pairs.images, pairs.captions, f"modality_gap_{PAIRS}"
    gap = np.linalg.norm(images.mean(axis=0) - captions.mean(axis=0))
    assert gap == pytest.approx(cell(table, "modality_gap/distance"), abs=PRINTED)
    own = (images * captions).sum(axis=1).mean()
    assert own == pytest.approx(cell(table, "modality_gap/true_pairs"), abs=PRINTED)
    centred = (unit(images - images.mean(axis=0)) * unit(captions - captions.mean(axis=0))).sum(axis=1).mean()
    assert centred == pytest.approx(cell(table, "modality_gap/true_pairs_centred"), abs=PRINTED)


def test_retrieval(pairs):
    table, row = f"retrieval_{PAIRS}", {"solver__l1_penalty": "0.15"}
    codes = lasso(pairs.targets, pairs.atoms, 0.15)
    assert (codes > 0).sum(axis=1).mean() == pytest.approx(cell(table, "l0/mean", **row), abs=0.005)
    reconstructed = unit(unit(codes @ pairs.atoms) + pairs.mean)
    own = np.arange(len(pairs.images))
    for name, queries in (("_dense", pairs.images), ("", reconstructed)):
        scores = queries @ pairs.captions.T
        for direction, among in (("image_to_text", scores), ("text_to_image", scores.T)):
            share = (among.argmax(axis=1) == own).mean()
            assert share == pytest.approx(cell(table, f"retrieval/{direction}_at_1{name}", **row), abs=PRINTED)


@pytest.mark.parametrize("nonnegative", [True, False])
def test_nonnegative_and_signed_codes(pairs, nonnegative):
    table = f"ablation_nonneg_{PAIRS}"
    row = {"solver__nonnegative": str(nonnegative).lower(), "solver__l1_penalty": "0.25"}
    codes = lasso(pairs.targets, pairs.atoms, 0.25, nonnegative)
    assert (codes != 0).sum(axis=1).mean() == pytest.approx(cell(table, "l0/mean", **row), abs=0.005)
    composed = unit(codes @ pairs.atoms)
    plain = (unit(composed + pairs.mean) * pairs.images).sum(axis=1).mean()
    assert plain == pytest.approx(cell(table, "cosine/plain", **row), abs=PRINTED)
    centred = (unit(composed) * pairs.targets).sum(axis=1).mean()
    assert centred == pytest.approx(cell(table, "cosine/centred", **row), abs=PRINTED)


def test_images_that_are_not_centred(pairs):
    table = f"ablation_centering_{PAIRS}"
    row = {"alignment__image": "false", "alignment__dictionary": "false"}
    codes = lasso(pairs.images, pairs.texts, 0.25)
    assert (codes > 0).sum(axis=1).mean() == pytest.approx(cell(table, "l0/mean", **row), abs=0.005)
    plain = (unit(codes @ pairs.texts) * pairs.images).sum(axis=1).mean()
    assert plain == pytest.approx(cell(table, "cosine/plain", **row), abs=PRINTED)


def test_codes_of_captions(pairs):
    table, row = f"text_decomposition_{PAIRS}", {"solver__l1_penalty": "0.25"}
    mean = pairs.captions.mean(axis=0)
    of_images = lasso(pairs.targets, pairs.atoms, 0.25)
    of_captions = lasso(unit(pairs.captions - mean), pairs.atoms, 0.25)
    assert (of_captions > 0).sum(axis=1).mean() == pytest.approx(cell(table, "text/l0", **row), abs=0.005)
    cosine = (unit(of_images) * unit(of_captions)).sum(axis=1).mean()
    assert cosine == pytest.approx(cell(table, "text/cosine", **row), abs=PRINTED)


def test_zero_shot_on_cifar(cifar):
    table, classes = f"zero_shot_{CIFAR}", cifar.described["classes"]
    known = [label for label, name in enumerate(classes) if name in cifar.names]
    rows = np.isin(cifar.labels, known)
    images, labels = cifar.images[rows], cifar.labels[rows]
    head = cifar.texts[[cifar.names.index(classes[label]) for label in known]]
    codes = lasso(cifar.targets[rows], cifar.atoms, 0.25)
    assert (codes > 0).sum(axis=1).mean() == pytest.approx(cell(table, "l0/mean"), abs=0.005)
    reconstructed = unit(unit(codes @ cifar.atoms) + cifar.mean)
    for heading, features in (("zero_shot/top1_dense", images), ("zero_shot/top1", reconstructed)):
        right = np.array(known)[(features @ head.T).argmax(axis=1)] == labels
        assert right.mean() == pytest.approx(cell(table, heading), abs=PRINTED)
    strongest = np.argsort(-codes, axis=1, kind="stable")[:, :5]
    named = [[cifar.names[atom] for atom in row if codes[sample, atom] > 0] for sample, row in enumerate(strongest)]
    found = np.mean([classes[label] in row for label, row in zip(labels, named, strict=True)])
    assert found == pytest.approx(cell(table, "concept/class_in_top5"), abs=PRINTED)
