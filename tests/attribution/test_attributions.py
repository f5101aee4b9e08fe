"""Every attribution keeps the promises of `AttributionSpec`, and leaves no trace in the network."""

from __future__ import annotations

import json

import pytest
import torch
from torch import Tensor, nn

from kdexplorer.attribution import ATTRIBUTIONS, AttributionSpec
from kdexplorer.config import NetworkConfig
from kdexplorer.models import ModelIO
from kdexplorer.models.build import Network, build_network
from kdexplorer.params import ConfigError

SPECS = list(ATTRIBUTIONS)


def _network(id: str, size: int = 32, channels: int = 3) -> Network:
    return build_network(NetworkConfig(id=id), ModelIO(classes=4, size=size, channels=channels), seed=0)


def _images(count: int = 3, size: int = 32) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(3))


def _state(module: nn.Module) -> list[object]:
    return [
        (name, m.training, len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks))
        for name, m in module.named_modules()
    ]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_description(spec: AttributionSpec) -> None:
    assert json.loads(json.dumps(spec.describe()))["id"] == spec.id


LEARNING = ["cifar_resnet", "tiny_cnn", "vgg", "mlp", "tiny_vit", "resnet18", "timm_vit_tiny_patch16_224"]
CASES = [*((id, False) for id in LEARNING), ("tiny_cnn", True), ("tiny_vit", True)]


@pytest.mark.parametrize(("id", "frozen"), CASES)
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_maps_lie_over_the_image_and_nothing_is_left(spec: AttributionSpec, id: str, frozen: bool) -> None:
    network = _network(id)
    module = network.module.train()
    module.get_submodule(network.attribution_layer).eval()  # a network of mixed modes
    module.requires_grad_(not frozen)
    marks = {name: torch.full_like(p, 2.0) for name, p in module.named_parameters()}
    for name, parameter in module.named_parameters():
        parameter.grad = marks[name].clone()
    weights = {key: value.clone() for key, value in module.state_dict().items()}
    images, state = _images(), _state(module)
    random = torch.random.get_rng_state()

    for target in (None, torch.tensor([0, 3, 1])):
        maps = spec.attribute(module, images, target, network.attribution_layer)
        assert maps.shape == (3, 32, 32)
        assert maps.dtype == torch.float32
        assert not maps.requires_grad
        assert bool(((maps >= 0) & (maps <= 1)).all())
        peaks = maps.amax((1, 2))
        assert bool(((peaks == 1) | (peaks == 0)).all())

    assert _state(module) == state
    assert all(
        torch.equal(p.grad, marks[name]) for name, p in module.named_parameters() if p.grad is not None
    )
    assert all(p.requires_grad is not frozen for p in module.parameters())
    assert all(torch.equal(value, weights[key]) for key, value in module.state_dict().items())
    assert not images.requires_grad
    assert torch.equal(torch.random.get_rng_state(), random)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_nothing_is_left_when_the_network_raises(spec: AttributionSpec) -> None:
    class Breaks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)
            self.rest = nn.Dropout().eval()

        def forward(self, images: Tensor) -> Tensor:
            self.conv(images)
            raise ArithmeticError("broken")

    module = Breaks()
    state = _state(module)
    for target in (None, torch.tensor([0, 1, 2])):
        with pytest.raises(ArithmeticError, match="broken"):
            spec.attribute(module, _images(), target, "conv")
        assert _state(module) == state


@pytest.mark.parametrize("spec", [s for s in SPECS if s.id != "input_gradient"], ids=lambda spec: spec.id)
def test_layers_that_cannot_be_read(spec: AttributionSpec) -> None:
    module = _network("tiny_cnn").module
    state = _state(module)
    with pytest.raises(ConfigError, match="There is no layer"):
        spec.attribute(module, _images(), None, "layers.9")
    with pytest.raises(ConfigError, match="choose another layer"):
        spec.attribute(module, _images(), None, "linear")
    assert _state(module) == state


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_inside_inference_mode(spec: AttributionSpec) -> None:
    network = _network("tiny_cnn")
    expected = spec.attribute(network.module, _images(), None, network.attribution_layer)
    with torch.inference_mode():
        maps = spec.attribute(network.module, _images(), None, network.attribution_layer)
    assert torch.equal(maps, expected)


def test_attention_is_where_the_features_are() -> None:
    images = torch.zeros(2, 1, 8, 8)
    images[0, 0, 2, 5] = 0.5
    images[1, 0, :, :4] = -2.0
    net = nn.Sequential(nn.Conv2d(1, 3, 1, bias=False))
    maps = ATTRIBUTIONS["attention"].attribute(net, images, None, "0")
    assert maps[0, 2, 5] == 1
    assert maps[0].sum() == 1
    assert torch.equal(maps[1], (images[1, 0] != 0).float())


def test_attention_serves_restoration() -> None:
    network = build_network(NetworkConfig(id="edsr"), ModelIO(scale=2), seed=0)
    images = _images(2, 20)
    assert ATTRIBUTIONS["attention"].attribute(
        network.module, images, None, network.attribution_layer
    ).shape == (2, 20, 20)
    assert ATTRIBUTIONS["attention"].describe()["tasks"] == []
    assert ATTRIBUTIONS["grad_cam"].describe()["tasks"] == ["classification"]
