"""The layers of a network that can be tapped, with the shapes of what they give, without its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from kdexplorer.config import NetworkConfig
from kdexplorer.distillation.method import Shape
from kdexplorer.models.build import build_empty
from kdexplorer.models.spec import ModelIO
from kdexplorer.models.taps import Taps

LARGE = (
    150_000_000  # parameters; up to here zeros are allocated, which is much quicker than torch's meta device
)


@dataclass(frozen=True)
class Outline:
    """Named layers of a network.

    Attributes:
        output: shape of its output for one image.
        stages: shape by stage name, from shallow to deep.
        paths: module path by stage name.
        attention: (module path, heads) by block name.
    """

    output: Shape
    stages: Mapping[str, Shape]
    paths: Mapping[str, str]
    attention: Mapping[str, tuple[str, int]]


def outline(config: NetworkConfig, io: ModelIO, side: int) -> Outline:
    """Run one empty image of `side` pixels through a network of zeros.

    Raises:
        ConfigError: as `build_network`.
    """
    network = build_empty(config, io)
    device = "meta"
    if network.info.parameters <= LARGE:
        device = "cpu"
        network.module.to_empty(device=device)
        for tensor in (*network.module.parameters(), *network.module.buffers()):
            tensor.data.zero_()
    network.module.eval()
    with torch.no_grad(), Taps(network.module, list(network.stages.values())) as features:
        output = network.module(torch.zeros(1, io.channels, side, side, device=device))
    shapes = {name: tuple(features[path].shape[1:]) for name, path in network.stages.items()}
    return Outline(tuple(output.shape[1:]), shapes, network.stages, network.attention)
