"""From a `NetworkConfig` to a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from kdexplorer.config import NetworkConfig
from kdexplorer.events import NetworkInfo
from kdexplorer.models.spec import MODELS, ModelIO, ModelSpec
from kdexplorer.params import ConfigError


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
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        module = spec.build(params, io)
    return _network(module, config, spec, params, io)


def build_empty(config: NetworkConfig, io: ModelIO) -> Network:
    """Build a network on the meta device: layers and shapes, no numbers.

    Raises:
        ConfigError: as `build_network`.
    """
    spec, params = _checked(config, io)
    with torch.random.fork_rng(devices=[]), torch.device("meta"), _Unfilled():
        return _network(spec.build(params, io), config, spec, params, io)


def count_parameters(config: NetworkConfig, io: ModelIO) -> int:
    """How many learned numbers the network has; nothing is allocated.

    Raises:
        ConfigError: as `build_network`.
    """
    return build_empty(config, io).info.parameters


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
