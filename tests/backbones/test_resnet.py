"""Checkpoints of residual networks in the layouts in which they are handed on."""

import pytest
import torch
import torchvision
from PIL import Image
from torch import nn

from splice_exp.backbones.resnet import ResNetBackbone
from splice_exp.core.errors import SpliceError


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    found = torchvision.models.resnet18(weights=None, num_classes=7).eval()
    # Running statistics that differ from those of a new network, so that they must be loaded, too.
    for module in found.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
    return found


@pytest.mark.parametrize(("prefix", "layer"), [("", None), ("module.encoder.", "state_dict"), ("backbone.", "model")])
def test_features_are_those_before_the_last_layer(tmp_path, network, prefix, layer):
    state = {f"{prefix}{name}": value for name, value in network.state_dict().items()}
    if prefix:
        state["head.weight"] = torch.zeros(3)  # of something else
    torch.save(state if layer is None else {layer: state, "epoch": 3}, tmp_path / "weights.pth")
    backbone = ResNetBackbone("resnet18", str(tmp_path / "weights.pth"), prefix, resize=40, crop=32)
    image = Image.effect_noise((50, 44), 60).convert("RGB")
    pixels = backbone.preprocess([image, image])
    assert pixels.shape == (2, 3, 32, 32)
    found = backbone.represent(pixels)
    assert found.shape == (2, backbone.dim) == (2, 512)
    torch.testing.assert_close(network.fc(found), network(pixels))
    weights, bias = backbone.last_layer.weights, backbone.last_layer.bias
    assert backbone.last_layer.classes is None
    torch.testing.assert_close(found @ weights.T + bias, network(pixels))
    assert backbone.encode_batch(pixels).norm(dim=1).tolist() == pytest.approx([1, 1])
    pixels.requires_grad_()
    backbone.represent(pixels).sum().backward()
    assert pixels.grad.abs().sum() > 0


def test_the_stem_for_small_images_keeps_their_size(tmp_path):
    small = torchvision.models.resnet18(weights=None)
    small.conv1, small.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()
    torch.save(small.state_dict(), tmp_path / "small.pth")
    backbone = ResNetBackbone("resnet18", str(tmp_path / "small.pth"), stem="cifar", resize=36, crop=32)
    assert backbone.represent(torch.rand(1, 3, 32, 32)).shape == (1, 512)
    other = ResNetBackbone("resnet18", str(tmp_path / "small.pth"), stem="cifar", resize=32, crop=32)
    assert other.backbone_id != backbone.backbone_id
    with pytest.raises(SpliceError, match=r"does not fit architecture and stem: .*conv1.weight"):
        ResNetBackbone("resnet18", str(tmp_path / "small.pth"))


def test_files_that_are_no_weights_are_refused(tmp_path, network):
    path = tmp_path / "weights.pth"
    with pytest.raises(SpliceError, match="there is no such file"):
        ResNetBackbone("resnet18", str(path))
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(SpliceError, match="is no file of torch|is damaged, or holds more"):
        ResNetBackbone("resnet18", str(path))
    torch.save({"state_dict": network}, path)  # a pickled model, which could run anything
    with pytest.raises(SpliceError, match="is no file of torch|is damaged, or holds more"):
        ResNetBackbone("resnet18", str(path))
    torch.save([1, 2], path)
    with pytest.raises(SpliceError, match="must hold a state dict"):
        ResNetBackbone("resnet18", str(path))
    torch.save(network.state_dict(), path)
    with pytest.raises(SpliceError, match="Set prefix to what the names of the encoder begin with"):
        ResNetBackbone("resnet18", str(path), prefix="layer")
    with pytest.raises(SpliceError, match="^prefix is 'encoder.', but no name"):
        ResNetBackbone("resnet18", str(path), prefix="encoder.")
    backbone = ResNetBackbone("resnet18", str(path))
    with pytest.raises(SpliceError, match="trained on images alone and embeds no texts"):
        backbone.encode_text(["a cat"])
    with pytest.raises(SpliceError, match="a ResNet has none"):
        backbone.represent(torch.rand(1, 3, 64, 64), torch.ones(1, 2, 2, dtype=torch.bool))
    with pytest.raises(SpliceError, match="^architecture is 'resnet9000'"):
        ResNetBackbone("resnet9000", str(path))
