"""What an attribution is: which part of the input a network looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from kdexplorer.registry import Registry, Spec


@dataclass(frozen=True, kw_only=True)
class AttributionSpec(Spec):
    """One algorithm.

    Attributes:
        attribute: (model, input float [B, C, H, W], target int64 [B] or None, module path of the layer)
            → maps float [B, H, W] in [0, 1], each scaled to its own maximum. Leaves no hook and no gradient
            behind and restores the model's mode, also when it raises.
        layered: it reads a layer that tells places apart; else the layer plays no part.
    """

    attribute: Callable[[nn.Module, Tensor, Tensor | None, str], Tensor]
    layered: bool = True


ATTRIBUTIONS: Registry[AttributionSpec] = Registry("attributions", "kdexplorer.attribution.algorithms")
