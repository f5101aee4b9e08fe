"""What a model family is: how to build a network, and the names of its layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from kdexplorer.registry import Registry, Spec


@dataclass(frozen=True)
class ModelIO:
    """What the task asks of a network.

    Attributes:
        channels: of the input image.
        classes: number of logits; 0 for restoration.
        scale: output side ÷ input side; 1 for classification.
        size: side of the square input; 0 where any size must do.
    """

    channels: int = 3
    classes: int = 0
    scale: int = 1
    size: int = 0


@dataclass(frozen=True)
class Opened:
    """A network as a file of weights describes it.

    Attributes:
        module: with its weights, frozen, on the CPU.
        architecture: as its authors call it, e.g. `ESRGAN`.
        stages: as `ModelSpec.stages` gives them.
        attribution_layer: module path for Grad-CAM.
    """

    module: nn.Module
    architecture: str
    io: ModelIO
    stages: Mapping[str, str]
    attribution_layer: str


@dataclass(frozen=True, kw_only=True)
class ModelSpec(Spec):
    """A model family.

    Attributes:
        build: (checked params, ModelIO) → an `nn.Module` with random weights (global generator),
            from images in [0, 1] (float [B, C, H, W]; its own normalisation is inside)
            to logits [B, classes] or an image [B, C, scale·H, scale·W]. No in-place activations.
        stages: (checked params, ModelIO) → {"stage1": module path, …} in order from shallow to deep:
            the layers that feature distillation pairs by name. Each gives [B, C, H, W]
            (a ViT: [B, tokens, C]).
        attribution_layer: (checked params, ModelIO) → module path of the last spatial layer, for Grad-CAM.
        attention: (checked params, ModelIO) → {"block1": (module path, heads), …} in order from shallow to deep:
            of each attention block, the linear layer that gives [B, tokens, 3·dim] of query, key and value;
            empty for a network without self-attention over all tokens.
        fits: (checked params, ModelIO) → None, or why not, in words that say what to change.
        opens: a file of weights → the network that it holds; then the file alone says what the network is, and
            `build`, `stages` and `attribution_layer` are not asked. Raises ConfigError.
        only_teaches: it is no choice for a student.
        pretrained: it can load weights from its library's hub, through `hub`.
        hub: (checked params, ModelIO) → the state dict of the library's pretrained network,
            possibly for other classes. Raises ConfigError where it cannot be had.
    """

    build: Callable[[Mapping[str, Any], ModelIO], nn.Module]
    stages: Callable[[Mapping[str, Any], ModelIO], dict[str, str]]
    attribution_layer: Callable[[Mapping[str, Any], ModelIO], str]
    attention: Callable[[Mapping[str, Any], ModelIO], dict[str, tuple[str, int]]] = lambda params, io: {}
    fits: Callable[[Mapping[str, Any], ModelIO], str | None] = lambda params, io: None
    opens: Callable[[Path], Opened] | None = None
    only_teaches: bool = False
    pretrained: bool = False
    hub: Callable[[Mapping[str, Any], ModelIO], Mapping[str, Tensor]] | None = None


MODELS: Registry[ModelSpec] = Registry("models", "kdexplorer.models.families")
