"""Real CLIP embeddings, real texts, the official image mean: the figures that the framework has to reproduce."""

import json
import sys

import pytest
import torch
from hydra.core.global_hydra import GlobalHydra

from splice_exp import sweep
from splice_exp.backbones.precomputed import PrecomputedBackbone
from splice_exp.cli import main
from splice_exp.data.embeddings_file import EmbeddingsFile
from splice_exp.dictionaries.base import Ingredients
from splice_exp.dictionaries.text import TextDictionary
from splice_exp.dictionaries.vocabulary import BankVocabulary
from splice_exp.embeddings.classes import select_known_classes
from splice_exp.embeddings.extract import extract
from splice_exp.embeddings.geometry import Alignment, center
from splice_exp.evaluation.measures.functional import classified_within
from splice_exp.solvers import objective
from splice_exp.solvers.active_set import ActiveSet
from splice_exp.solvers.admm import ADMM
from splice_exp.solvers.coordinate_descent import CoordinateDescent
from splice_exp.solvers.fista import FISTA
from splice_exp.solvers.path import LassoPath

# classes, samples, dense top-1 %, mean L0, cosine, cosine of the mean, at least this share with the class in the top
# five
EXPECTED = {
    "caltech101_test": (41, 1058, 97.0, 5.6, 0.58, 0.64, 70),
    "imagenet_4shot": (285, 1148, 72.6, 8.8, 0.63, 0.70, 62),
    "cifar10_test500": (9, 459, 88.9, 5.3, 0.58, 0.74, 50),
}


def paths(folder, data):
    return (
        str(folder / "text" / "objects1585.safetensors"),
        str(folder / "embeddings" / f"{data}.safetensors"),
        str(folder / "means" / "clip_ViT-B-32_image.safetensors"),
    )


@pytest.mark.parametrize("data", EXPECTED)
def test_the_readme_command_gives_the_known_figures(real_data, data, tmp_path, monkeypatch, capsys):
    texts, embeddings, mean = paths(real_data, data)
    command = (
        f"splice_exp experiment=zero_shot backbone=precomputed backbone.texts={texts} data=embeddings_file "
        f"data.path={embeddings} vocabulary=bank alignment.image_mean={mean} solver.l1_penalty=0.25 logger=none "
        f"paths.results={tmp_path}"
    )
    GlobalHydra.instance().clear()
    monkeypatch.setattr(sys, "argv", command.split())
    monkeypatch.setattr(sweep, "OUTCOME", sweep.Outcome())
    main()
    assert capsys.readouterr().out.splitlines()[-1].startswith("results: ")
    (path,) = tmp_path.glob("runs/zero_shot/*/metrics.json")
    metrics = json.loads(path.read_text())
    classes, samples, dense, l0, plain, mean_only, named = EXPECTED[data]
    assert metrics["zero_shot/num_classes"] == classes
    assert metrics["zero_shot/num_samples"] == samples
    assert 100 * metrics["zero_shot/top1_dense"] == pytest.approx(dense, abs=0.2)
    assert metrics["l0/mean"] == pytest.approx(l0, rel=0.03)
    assert metrics["cosine/plain"] == pytest.approx(plain, abs=0.01)
    assert metrics["cosine/mean_only"] == pytest.approx(mean_only, abs=0.01)
    assert 100 * metrics["concept/class_in_top5"] > named
    assert metrics["solver/gap_max"] <= 1e-6
    assert metrics["solver/kkt_max"] <= 1e-5


def test_imagenet_by_number_is_what_others_report(real_data):
    """With 287 classes of which two pairs have the same name, images of the second are never right: 72.0 %."""
    texts, embeddings, _ = paths(real_data, "imagenet_4shot")
    backbone, images = PrecomputedBackbone(texts), EmbeddingsFile(embeddings).embeddings()
    kept = images.with_classes([label for label, name in enumerate(images.classes) if backbone.knows_class(name)])
    assert (len(kept.classes), len(set(kept.classes))) == (287, 285)
    right = classified_within(kept.features, backbone.encode_classes(kept.classes), kept.labels, 1)
    assert 100 * float(right.double().mean()) == pytest.approx(72.0, abs=0.05)


def test_the_official_mean_gives_what_the_authors_code_gives(real_data, tmp_path, monkeypatch, capsys):
    """1,058 images of Caltech-101 whose class is a text of the bank, decomposed at L = 0.25 by the authors' package."""
    texts, embeddings, _ = paths(real_data, "caltech101_test")
    command = (
        f"splice_exp experiment=zero_shot backbone=precomputed backbone.texts={texts} data=embeddings_file "
        f"data.path={embeddings} vocabulary=bank alignment.image_mean=official solver.l1_penalty=0.25 logger=none "
        f"paths.results={tmp_path}"
    )
    GlobalHydra.instance().clear()
    monkeypatch.setattr(sys, "argv", command.split())
    monkeypatch.setattr(sweep, "OUTCOME", sweep.Outcome())
    main()
    (path,) = tmp_path.glob("runs/zero_shot/*/metrics.json")
    metrics = json.loads(path.read_text())
    assert metrics["zero_shot/num_samples"] == 1058
    assert metrics["zero_shot/top1"] == pytest.approx(0.96975, abs=5e-6)  # 1,026 of 1,058
    assert metrics["l0/mean"] == pytest.approx(5.60775, abs=5e-6)  # 5,933 of 1,058
    assert metrics["cosine/plain"] == pytest.approx(0.58368, abs=5e-6)
    assert (
        "- Image mean: MSCOCO train2017, published with SpLiCE\n" in (tmp_path / "tables" / "zero_shot.md").read_text()
    )


PROBLEMS = [
    pytest.param(problem, marks=pytest.mark.xdist_group("-".join(map(str, problem))))  # each is made once
    for problem in [*((data, True) for data in EXPECTED), ("cifar10_test500", False)]
]


@pytest.fixture(scope="module", params=PROBLEMS, ids=lambda p: f"{p[0]}-{'nonnegative' if p[1] else 'signed'}")
def problem(request, real_data):
    """Targets and atoms of a data set, as the command makes them, and the optimum at 0.25 by scikit-learn."""
    data, nonnegative = request.param
    texts, embeddings, mean = paths(real_data, data)
    backbone, data, alignment = PrecomputedBackbone(texts), EmbeddingsFile(embeddings), Alignment(image_mean=mean)
    known = select_known_classes(extract(data, backbone), backbone, "drop").embeddings
    image_mean = alignment.mean_of(known)
    atoms = TextDictionary().build(Ingredients(backbone, BankVocabulary(), known, alignment, image_mean)).atoms
    targets = center(known.features, image_mean)[0]
    reference = CoordinateDescent(l1_penalty=0.25, nonnegative=nonnegative)
    optimum = reference.solve(reference.prepare(atoms), targets).codes
    return targets, atoms, nonnegative, values(targets, atoms, optimum)


def values(targets, atoms, codes):
    return objective.value(targets.double(), atoms.double(), codes.dense().double(), 0.25)


@pytest.mark.parametrize("solver", [ActiveSet, LassoPath, ADMM, FISTA])
@pytest.mark.slow
def test_solvers_agree_with_scikit_learn_on_every_row(problem, solver):
    targets, atoms, nonnegative, optimum = problem
    solver = solver(l1_penalty=0.25, nonnegative=nonnegative)
    found = solver.solve(solver.prepare(atoms), targets)
    torch.testing.assert_close(values(targets, atoms, found.codes), optimum, rtol=1e-6, atol=0)
    assert found.duality_gap.max() <= 1e-6
    assert found.kkt_violation.max() <= 1e-5
    dense = found.codes.dense().double()
    correlations = 2 * objective.residual(targets.double(), atoms.double(), dense) @ atoms.double().T
    active = correlations[dense != 0] * dense[dense != 0].sign()
    assert (active - 0.25).abs().max() < 1e-4  # 2⟨c_i, r⟩ = L on the support, −L where a signed code is negative
    idle = correlations[dense == 0]
    assert (idle if nonnegative else idle.abs()).max() < 0.25 + 1e-4


@pytest.mark.parametrize("solver", [ActiveSet, LassoPath])
@pytest.mark.slow
def test_supports_of_most_dimensions_are_certified(problem, solver):
    """With hundreds of codes, small excesses of many atoms add up to the gap, and float32 sees them on the support."""
    targets, atoms, nonnegative, _ = problem
    solver = solver(l1_penalty=0.01, nonnegative=nonnegative)
    found = solver.solve(solver.prepare(atoms), targets[::64])
    assert found.codes.l0().double().mean() > 300
    assert found.duality_gap.max() <= 1e-6
    assert found.kkt_violation.max() <= 1e-5
