"""Which layers of a network tell places apart: those that an attribution can read."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from kdexplorer.attribution.evaluation import evaluating
from kdexplorer.attribution.maps import feature_map
from kdexplorer.models.build import Network
from kdexplorer.params import ConfigError

MOST = 60


def spatial_layers(network: Network, image: Tensor, most: int = MOST) -> list[dict[str, Any]]:
    """Up to `most` layers as {name, path, shape}, for an image [1, C, H, W]: the named stages, then other modules.

    Left out are modules that give no map (nor tokens that form one), come before the first learned one, run several
    times, hand on another's output, or whose output is overwritten in place.
    """
    outputs, calls = _outputs(network.module, image)
    stages = {path: name for name, path in network.stages.items()}
    listed: dict[int, str] = {}
    for path, (output, version) in outputs.items():
        if calls[path] == 1 and output._version == version and _has_places(output, image):
            rival = listed.get(id(output))
            if rival is None or (rival not in stages and (path in stages or len(path) < len(rival))):
                listed[id(output)] = path
    found = [path for path in outputs if path in listed.values()]
    others = [path for path in found if path not in stages]
    coarse = sorted(others, key=lambda path: path.count("."))[: max(0, most - len(stages))]
    kept = [path for path in stages if path in found] + [path for path in others if path in coarse]
    return [
        {"name": stages.get(path, path), "path": path, "shape": list(outputs[path][0].shape[1:])}
        for path in kept[:most]
    ]


def _outputs(module: nn.Module, image: Tensor) -> tuple[dict[str, tuple[Tensor, int]], dict[str, int]]:
    """What every submodule from the first learned one on gave, with its version then, in the order in which they
    ran; and how often they ran."""
    outputs: dict[str, tuple[Tensor, int]] = {}
    calls: dict[str, int] = {}
    learned = False

    def keep(path: str) -> Any:
        def hook(layer: nn.Module, inputs: Any, output: Any) -> None:
            nonlocal learned
            learned = learned or next(layer.parameters(recurse=False), None) is not None
            calls[path] = calls.get(path, 0) + 1
            if learned and isinstance(output, Tensor):
                outputs[path] = (output, output._version)

        return hook

    handles = [layer.register_forward_hook(keep(path)) for path, layer in module.named_modules() if path]
    try:
        with evaluating(module), torch.no_grad():
            module(image)
    finally:
        for handle in handles:
            handle.remove()
    return outputs, calls


def _has_places(output: Tensor, image: Tensor) -> bool:
    try:
        return feature_map(output, *image.shape[-2:]).shape[-2:].numel() > 1
    except ConfigError:
        return False
