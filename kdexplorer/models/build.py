"""From a `NetworkConfig` to a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from kdexplorer.config import NetworkConfig
from kdexplorer.events import NetworkInfo
from kdexplorer.home import shown_name
from kdexplorer.models.spec import MODELS, ModelIO, ModelSpec
from kdexplorer.params import ConfigError
from kdexplorer.weight_file import locate


@dataclass(frozen=True)
class Network:
    """A built network and what is known of it.

    Attributes:
        module: images in [0, 1], float [B, C, H, W] → logits [B, classes]
            or an image [B, C, scale·H, scale·W].
        params: all parameters of the family, checked.
        stages: stage name → module path, from shallow to deep.
        attribution_layer: module path for Grad-CAM.
        attention: block name → (module path of its query, key and value, heads), from shallow to deep.
    """

    module: nn.Module
    spec: ModelSpec
    params: Mapping[str, Any]
    io: ModelIO
    info: NetworkInfo
    stages: Mapping[str, str]
    attribution_layer: str
    attention: Mapping[str, tuple[str, int]]


def build_network(config: NetworkConfig, io: ModelIO, *, seed: int) -> Network:
    """Build a network on the CPU with random weights drawn from `seed`; no global generator is touched.

    `config.weights` is noted, not loaded: see `kdexplorer.models.weights.load_weights`.

    Raises:
        ConfigError: unknown model, bad parameters, or it does not fit `io`.
    """
    spec, params = _checked(config, io)
    if spec.opens is not None:
        return _opened(config, spec, io)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        module = spec.build(params, io)
    return _network(module, config, spec, params, io)


def build_empty(config: NetworkConfig, io: ModelIO) -> Network:
    """Build a network on the meta device: layers and shapes, no numbers. One that a file describes is opened.

    Raises:
        ConfigError: as `build_network`.
    """
    spec, params = _checked(config, io)
    if spec.opens is not None:
        return _opened(config, spec, io)
    with torch.random.fork_rng(devices=[]), torch.device("meta"), _Unfilled():
        return _network(spec.build(params, io), config, spec, params, io)


def count_parameters(config: NetworkConfig, io: ModelIO) -> int:
    """How many learned numbers the network has; nothing is allocated.

    Raises:
        ConfigError: as `build_network`.
    """
    _checked(config, io)
    if (facts := read_facts(config)) is not None:
        name = shown_name(locate(config.weights))
        _check_fit(name, facts["architecture"], facts["channels"], facts["scale"], io)
        return int(facts["parameters"])
    return build_empty(config, io).info.parameters


def read_facts(config: NetworkConfig) -> dict[str, Any] | None:
    """What a file says of the network it holds, {architecture, channels, scale, parameters}; None where none does.

    Raises:
        ConfigError: as `build_network`.
    """
    spec = MODELS[config.id]
    return _facts(spec, *_file_of(spec, config.weights)) if spec.opens is not None else None


def _file_of(spec: ModelSpec, weights: str) -> tuple[Path, int, int]:
    """The file, its time and size: what must be the same for it to be the same file."""
    if ":" not in weights:
        raise ConfigError(f"{spec.title}: choose the file of the checkpoint.")
    path = locate(weights)
    found = path.stat()
    return path, found.st_mtime_ns, found.st_size


@lru_cache(maxsize=16)
def _facts(spec: ModelSpec, path: Path, time: int, size: int) -> dict[str, Any]:
    assert spec.opens is not None
    found = spec.opens(path)
    return {
        "architecture": found.architecture,
        "channels": found.io.channels,
        "scale": found.io.scale,
        "parameters": _count(found.module),
    }


def _opened(config: NetworkConfig, spec: ModelSpec, io: ModelIO) -> Network:
    assert spec.opens is not None
    path, *_ = _file_of(spec, config.weights)
    found = spec.opens(path)
    _check_fit(shown_name(path), found.architecture, found.io.channels, found.io.scale, io)
    info = NetworkInfo(model=found.architecture, parameters=_count(found.module), weights=config.weights)
    return Network(
        module=found.module,
        spec=spec,
        params={},
        io=io,
        info=info,
        stages=found.stages,
        attribution_layer=found.attribution_layer,
        attention={},
    )


def _check_fit(name: str, architecture: str, channels: int, scale: int, io: ModelIO) -> None:
    who = f"{name} is {architecture}"
    if channels != io.channels:
        takes, given = ("gray", "color") if channels == 1 else ("color", "gray")
        change = "switch Gray images on" if channels == 1 else "take color images, with Gray images off"
        raise ConfigError(
            f"{who} for {takes} images, but this run's are {given}: {change}, or choose another checkpoint."
        )
    if scale != io.scale:
        raise ConfigError(
            f"{who} for ×{scale}, but this run is about ×{io.scale}: "
            + (
                f"take Bicubic downscaling by {scale}, or pairs"
                if scale > 1
                else "take no downscaling, or pairs"
            )
            + f" of scale {scale}, or choose another checkpoint."
        )


class _Unfilled(TorchFunctionMode):
    """Leaves new tensors unfilled: filling imports torch's compiler on the meta device, for seconds."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (Tensor.normal_, Tensor.uniform_) or getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def _checked(config: NetworkConfig, io: ModelIO) -> tuple[ModelSpec, dict[str, Any]]:
    spec = MODELS[config.id]
    params: dict[str, Any] = spec.check(config.params)
    task = "classification" if io.classes else "restoration"
    if spec.tasks and task not in spec.tasks:
        raise ConfigError(
            f"{spec.title} is for {' and '.join(spec.tasks)}, not for {task}: choose another model."
        )
    problem = spec.fits(params, io)
    if problem:
        raise ConfigError(f"{spec.title}: {problem}")
    return spec, params


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _network(
    module: nn.Module, config: NetworkConfig, spec: ModelSpec, params: Mapping[str, Any], io: ModelIO
) -> Network:
    return Network(
        module=module,
        spec=spec,
        params=params,
        io=io,
        info=NetworkInfo(model=spec.id, parameters=_count(module), weights=config.weights),
        stages=spec.stages(params, io),
        attribution_layer=spec.attribution_layer(params, io),
        attention=spec.attention(params, io),
    )
