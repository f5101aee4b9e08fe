"""Activation-based attention: where a layer is active."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kdexplorer.attribution.evaluation import evaluating
from kdexplorer.attribution.maps import feature_map, heatmap
from kdexplorer.attribution.spec import ATTRIBUTIONS, AttributionSpec
from kdexplorer.models.taps import Taps


def attention(model: nn.Module, images: Tensor, target: Tensor | None, layer: str) -> Tensor:
    """Mean over channels of the squared features, arXiv 1612.03928: [B, C, H, W] → [B, H, W] in [0, 1].

    `target` plays no part: the map does not depend on a class.

    Raises:
        ConfigError: no such layer, or it gives neither a map nor tokens.
    """
    height, width = images.shape[-2:]
    with evaluating(model), torch.no_grad(), Taps(model, [layer]) as features:
        model(images)
    return heatmap(feature_map(features[layer], height, width).float().square().mean(1), height, width)


ATTRIBUTIONS.add(
    AttributionSpec(
        id="attention",
        title="Attention",
        summary="Where the features of a layer are large: their mean square over channels.",
        paper="arXiv 1612.03928",
        attribute=attention,
    )
)
