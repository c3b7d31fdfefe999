import torch
from matplotlib.colors import to_hex

from splice_exp.core.codes import Codes
from splice_exp.data.scenes.plain import Scenes
from splice_exp.record.pictures import FALSE, MISBOUND, TRUE, UNKNOWN, decompositions

CONCEPTS = ("star", "crimson star", "guitar")


def bars(canvas):
    return [[to_hex(patch.get_facecolor()).upper() for patch in axis.patches] for axis in canvas.axes[1::2]]


def test_bars_have_the_colour_of_their_truth():
    data = Scenes(60, max_objects=1, label="shape")
    chosen = [i for i, picture in enumerate(data.pictures) if picture.objects[0].shape == "star"][:3]
    codes = Codes.from_dense(torch.tensor([[0.5, 0.0, 0.2], [0.3, 0.0, 0.4], [0.1, 0.2, 0.0]]), CONCEPTS)
    images = [data.inputs(i, i + 1)[0] for i in chosen]
    truth = data.truth().select(chosen)
    canvas = decompositions(images, codes, [data.captions()[i][0] for i in chosen], truth)
    red = TRUE if data.pictures[chosen[2]].objects[0].colour == "red" else FALSE
    assert bars(canvas) == [[TRUE, FALSE], [FALSE, TRUE], [red, TRUE]]
    assert {colour for row in bars(decompositions(images, codes)) for colour in row} == {UNKNOWN}
    labels = [tick.get_text() for tick in canvas.axes[1].get_yticklabels()]
    assert labels == ["star", "guitar"]
    assert canvas.axes[0].get_xlabel().replace("\n", " ") == data.captions()[chosen[0]][0]


def test_words_of_different_objects_are_shown_as_such():
    data = Scenes(200)
    sample, (first, second) = next(
        (index, picture.objects)
        for index, picture in enumerate(data.pictures)
        if len(picture.objects) == 2
        and picture.objects[0].colour != picture.objects[1].colour
        and picture.objects[0].shape != picture.objects[1].shape
    )
    concepts = (f"{first.colour} {second.shape}", f"{first.colour} {first.shape}", data.pictures[sample].scene)
    codes = Codes.from_dense(torch.tensor([[0.3, 0.2, 0.1]]), concepts)
    canvas = decompositions(data.inputs(sample, sample + 1), codes, None, data.truth().select([sample]))
    assert bars(canvas) == [[MISBOUND, TRUE, TRUE]]
