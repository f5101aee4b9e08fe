"""What networks cost: exact counts, a positive time, and nothing left behind."""

from __future__ import annotations

import torch

from kdexplorer.config import NetworkConfig
from kdexplorer.models import ModelIO
from kdexplorer.models.build import build_network
from kdexplorer.training.cost import cost_of
from kdexplorer.training.live_memory import LiveMemory

DIGITS = ModelIO(channels=1, classes=10, size=8)


def test_multiply_adds_of_a_perceptron_are_its_weights() -> None:
    network = build_network(NetworkConfig(id="mlp", params={"width": 16, "depth": 1}), DIGITS, seed=0)
    found = cost_of(network, torch.zeros(1, 1, 8, 8))
    assert found.parameters == 64 * 16 + 16 + 16 * 10 + 10
    assert found.multiply_adds == 64 * 16 + 16 * 10
    assert found.latency_ms > 0


def test_measuring_leaves_network_and_generators_as_they_were() -> None:
    network = build_network(NetworkConfig(id="cifar_resnet", params={"depth": 8, "width": 4}), DIGITS, seed=0)
    network.module.train()
    before = {name: value.clone() for name, value in network.module.state_dict().items()}
    random = torch.random.get_rng_state()
    cost_of(network, torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0)))
    assert torch.equal(torch.random.get_rng_state(), random)
    assert network.module.training
    assert all(torch.equal(value, before[name]) for name, value in network.module.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.module.modules())


def test_peak_memory_is_of_what_is_alive_at_once() -> None:
    image = torch.rand(1, 1, 64, 64)
    with torch.no_grad(), LiveMemory() as memory:
        first = image * 2  # 16 KiB
        second = first.view(64, 64) + 1  # a view holds nothing of its own
        del first
        third = second.relu()
        fourth = third + second
    assert memory.peak == 3 * 64 * 64 * 4
    del second, third, fourth
    network = build_network(NetworkConfig(id="mlp", params={"width": 16, "depth": 1}), DIGITS, seed=0)
    wide = build_network(NetworkConfig(id="mlp", params={"width": 64, "depth": 1}), DIGITS, seed=0)
    costs = [cost_of(found, torch.zeros(1, 1, 8, 8)).peak_bytes for found in (network, wide)]
    assert 16 * 4 <= costs[0] < costs[1]
    assert costs[1] >= 64 * 4
