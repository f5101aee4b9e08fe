"""Grad-CAM: which regions raise the score of a class."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from kdexplorer.attribution.evaluation import evaluating
from kdexplorer.attribution.maps import feature_map, heatmap, token_grid
from kdexplorer.attribution.spec import ATTRIBUTIONS, AttributionSpec
from kdexplorer.models.taps import find_layer
from kdexplorer.params import ConfigError


class _TokensAsMap(nn.Module):
    """Lets tokens [B, N, C] pass as a map [B, C, rows, columns] through `map`, where Grad-CAM reads them."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.map = nn.Identity()
        self.size = (height, width)

    def forward(self, layer: nn.Module, inputs: Any, output: Any) -> Tensor:
        if not isinstance(output, Tensor) or output.dim() not in (3, 4):
            raise ConfigError("The layer gives neither a map nor tokens: choose another layer for Grad-CAM.")
        if output.dim() == 4:
            features: Tensor = self.map(output)
            return features
        extra, _, _ = token_grid(output.shape[1], *self.size)
        patches = self.map(feature_map(output, *self.size))
        return torch.cat([output[:, :extra], patches.flatten(2).transpose(1, 2)], 1)


def grad_cam(model: nn.Module, images: Tensor, target: Tensor | None, layer: str) -> Tensor:
    """Gradient-weighted class activation, arXiv 1610.02391: [B, C, H, W] → [B, H, W] in [0, 1].

    `target` int64 [B]; None takes the class that the network predicts. Computed by Captum.

    Raises:
        ConfigError: no such layer, or it gives neither a map nor tokens.
    """
    from captum.attr import LayerGradCam  # takes a second to import

    height, width = images.shape[-2:]
    view = _TokensAsMap(height, width)
    hook = find_layer(model, layer).register_forward_hook(view.forward)
    try:
        with evaluating(model), torch.inference_mode(False), torch.enable_grad():
            inputs = images.detach().clone().requires_grad_()
            if target is None:
                with torch.no_grad():
                    target = model(inputs).argmax(1)
            maps: Tensor = LayerGradCam(model, view.map).attribute(
                inputs, target.clone(), relu_attributions=True
            )
    finally:
        hook.remove()
    return heatmap(maps[:, 0], height, width)


ATTRIBUTIONS.add(
    AttributionSpec(
        id="grad_cam",
        title="Grad-CAM",
        summary="Which regions raise the score of a class: features weighted by their mean gradient.",
        tasks=("classification",),
        paper="arXiv 1610.02391",
        attribute=grad_cam,
    )
)
