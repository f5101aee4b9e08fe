"""Taps give what layers give, and leave nothing behind."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from kdexplorer.models.taps import Taps
from kdexplorer.params import ConfigError


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 2, 3, padding=1)
        self.inner = nn.Sequential(nn.Conv2d(2, 2, 1), nn.Sigmoid())
        self.unused = nn.Conv2d(2, 2, 1)
        self.pair = nn.MaxPool2d(2, return_indices=True)

    def forward(self, images: Tensor) -> Tensor:
        features = self.inner(self.first(images))
        self.pair(features)
        return features


def _hooks(module: nn.Module) -> int:
    return sum(
        len(m._forward_hooks) + len(m._backward_hooks) + len(m._forward_pre_hooks) for m in module.modules()
    )


def test_features_are_the_layers_outputs_with_their_graph() -> None:
    net, images = Net(), torch.rand(2, 1, 4, 4)
    taps = Taps(net, ["first", "inner.1"])
    for _ in range(2):  # again and again
        with taps as features:
            output = net(images)
        assert list(features) == ["first", "inner.1"]
        assert torch.equal(features["first"], net.first(images))
        assert features["inner.1"] is output
        assert _hooks(net) == 0
    net.zero_grad()
    features["first"].sum().backward()
    assert net.first.weight.grad is not None


def test_no_taps_cost_nothing() -> None:
    net = Net()
    with Taps(net, []) as features:
        assert _hooks(net) == 0
        net(torch.rand(1, 1, 4, 4))
    assert features == {}


def test_hooks_go_when_the_network_raises() -> None:
    net = Net()
    with pytest.raises(RuntimeError, match="expected input"), Taps(net, ["first", "inner"]):
        net(torch.rand(1, 3, 4, 4))
    assert _hooks(net) == 0


def test_hooks_go_when_the_caller_raises() -> None:
    net = Net()
    with pytest.raises(KeyboardInterrupt), Taps(net, ["first"]):
        raise KeyboardInterrupt
    assert _hooks(net) == 0


def test_an_unreached_layer_is_named() -> None:
    net = Net()
    with pytest.raises(ConfigError, match="'unused'.*never reached"), Taps(net, ["first", "unused"]):
        net(torch.rand(1, 1, 4, 4))
    assert _hooks(net) == 0
    with Taps(net, ["first"]) as features:
        net(torch.rand(1, 1, 4, 4))
    with pytest.raises(ConfigError, match="'inner' was not tapped"):
        features["inner"].sum()


@pytest.mark.parametrize("path", ["", "inner.7", "firts", "weight", "first.weight", "..", "__class__"])
def test_an_unknown_layer_is_refused_with_examples(path: str) -> None:
    with pytest.raises(ConfigError, match="There is no layer .*for example: "):
        Taps(Net(), [path])


def test_a_layer_that_gives_no_tensor_is_refused() -> None:
    net = Net()
    with pytest.raises(ConfigError, match="gives a tuple"), Taps(net, ["pair"]):
        net(torch.rand(1, 1, 4, 4))
    assert _hooks(net) == 0


def test_an_overwritten_feature_is_detected() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(inplace=True))
    with pytest.raises(ConfigError, match="layer '0' is overwritten in place"), Taps(net, ["0"]):
        net(torch.rand(1, 1, 4, 4))
    with Taps(net, ["1"]) as features:  # the overwritten tensor itself is what layer 1 gives
        output = net(torch.rand(1, 1, 4, 4))
    assert features["1"] is output


def test_inference_mode_and_channels_last() -> None:
    net = Net().to(memory_format=torch.channels_last)
    images = torch.rand(2, 1, 4, 4).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode(), Taps(net, ["first"]) as features:
        net(images)
    assert features["first"].shape == (2, 2, 4, 4)
    assert features["first"].is_inference()


def test_open_taps_do_not_open_again() -> None:
    net = Net()
    taps = Taps(net, ["first"])
    with pytest.raises(RuntimeError, match="open already"), taps, taps:
        pass
    assert _hooks(net) == 0
