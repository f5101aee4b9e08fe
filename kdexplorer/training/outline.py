"""The layers of a network that can be tapped, with the shapes of what they give, without its weights."""

from __future__ import annotations

from threading import Lock

import torch

from kdexplorer.config import NetworkConfig
from kdexplorer.models.build import build_empty
from kdexplorer.models.spec import ModelIO
from kdexplorer.training.binding import Shapes

LARGE = (
    150_000_000  # parameters; up to here zeros are allocated, which is much quicker than torch's meta device
)


class Outline(Shapes):
    """As `Shapes`, of a network that has no numbers: it is given zeros for the time of a forward pass."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._looking = Lock()

    def _look(self, paths: list[str]) -> None:
        module = self.network.module
        with self._looking:
            if self.example.device.type == "cpu":
                module.to_empty(device="cpu")
                for tensor in (*module.parameters(), *module.buffers()):
                    tensor.data.zero_()
            try:
                super()._look(paths)
            finally:
                module.to_empty(device="meta")


def outline(config: NetworkConfig, io: ModelIO, side: int) -> Outline:
    """The layers of a network for one image of `side` pixels; stages and attention blocks are looked at already.

    Raises:
        ConfigError: as `build_network`.
    """
    network = build_empty(config, io)
    device = "cpu" if network.info.parameters <= LARGE else "meta"
    found = Outline(network, torch.zeros(1, io.channels, side, side, device=device))
    found.of([*network.stages.values(), *(path for path, _ in network.attention.values())])
    return found
