"""What patches show is what was painted there; the losses fall as tokens come to say it."""

import numpy as np
import pytest
import torch

from splice_exp.data.scenes.drawing.render import masks
from splice_exp.data.scenes.picture import draw_picture
from splice_exp.data.scenes.placement import SIDE
from splice_exp.data.scenes.sources import random_of
from splice_exp.data.scenes.world import ATTRIBUTES, FINE_SHAPES
from splice_exp.training.captioned import training_picture
from splice_exp.training.patch_losses import KINDS, LEAST_COVERED, NOTHING, PatchLosses, patch_truth

PATCH = 12
ROWS = SIDE // PATCH


def test_silhouettes_are_the_masks_of_all_objects_patch_by_patch():
    for index in range(20):
        picture = training_picture(0, index)
        silhouettes, _ = patch_truth(picture, PATCH)
        assert silhouettes.shape == (ROWS**2, PATCH**2)
        whole = masks(picture).any(axis=0)
        for row in range(ROWS):
            for column in range(ROWS):
                there = whole[row * PATCH : (row + 1) * PATCH, column * PATCH : (column + 1) * PATCH]
                assert np.array_equal(silhouettes[row * ROWS + column].reshape(PATCH, PATCH), there)


def test_labels_are_of_the_object_that_covers_most_of_a_patch():
    shown = 0
    for index in range(40):
        picture = training_picture(0, index)
        visible, (_, labels) = masks(picture), patch_truth(picture, PATCH)
        for patch in range(ROWS**2):
            row, column = divmod(patch, ROWS)
            there = visible[:, row * PATCH : (row + 1) * PATCH, column * PATCH : (column + 1) * PATCH]
            covered = there.sum(axis=(1, 2))
            if covered.max() < LEAST_COVERED * PATCH**2:
                assert set(labels[:, patch]) == {NOTHING}
                continue
            shown += 1
            placed = picture.objects[int(covered.argmax())]
            for kind, label in zip(KINDS, labels[:, patch], strict=True):
                assert list(ATTRIBUTES[kind])[label] == getattr(placed, kind)
    assert shown > 200


def test_a_fine_shape_is_labelled_as_captions_call_it():
    fine = next(iter(FINE_SHAPES))
    picture = draw_picture(random_of("train", 0, 0), [{"shape": fine, "size": "large"}], surroundings={})
    _, labels = patch_truth(picture, PATCH)
    assert set(labels[0]) == {NOTHING, list(ATTRIBUTES["shape"]).index("star")}


@pytest.fixture
def truth():
    found = [patch_truth(training_picture(0, index), PATCH) for index in range(4)]
    return tuple(torch.from_numpy(np.stack(part)) for part in zip(*found, strict=True))


def test_losses_fall_as_tokens_come_to_say_the_truth(truth):
    torch.manual_seed(0)
    losses = PatchLosses(64, PATCH)
    early, late = (torch.nn.Parameter(torch.randn(4, ROWS**2, 64)) for _ in range(2))
    optimizer = torch.optim.Adam([early, late, *losses.parameters()], lr=0.03)
    found = []
    for _ in range(60):
        loss = losses(early, late, *truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(float(loss.detach()))
    assert found[-1] < 0.1 * found[0]


def test_each_part_reads_its_own_tokens(truth):
    losses = PatchLosses(32, PATCH)
    early, late = (torch.randn(4, ROWS**2, 32, requires_grad=True) for _ in range(2))
    silhouettes, labels = truth
    nothing = torch.full_like(labels, NOTHING)
    change = losses(early, late, silhouettes, labels) - losses(early, late, ~silhouettes, labels)
    assert float(torch.autograd.grad(change, late)[0].abs().max()) < 1e-6
    change = losses(early, late, silhouettes, labels) - losses(early, late, silhouettes, nothing)
    assert float(torch.autograd.grad(change, early)[0].abs().max()) < 1e-6
