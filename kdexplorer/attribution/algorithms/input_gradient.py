"""Input × gradient: which pixels raise the score of a class, for networks without feature maps."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kdexplorer.attribution.evaluation import evaluating
from kdexplorer.attribution.maps import heatmap
from kdexplorer.attribution.spec import ATTRIBUTIONS, AttributionSpec


def input_gradient(model: nn.Module, images: Tensor, target: Tensor | None, layer: str) -> Tensor:
    """The positive part of pixel × gradient, summed over channels: [B, C, H, W] → [B, H, W] in [0, 1].

    `target` int64 [B]; None takes the class that the network predicts. `layer` is not used. Computed by Captum.
    Paper: Shrikumar et al., arXiv 1605.01713.
    """
    from captum.attr import InputXGradient  # takes a second to import

    height, width = images.shape[-2:]
    with evaluating(model), torch.inference_mode(False), torch.enable_grad():
        inputs = images.detach().clone().requires_grad_()
        if target is None:
            with torch.no_grad():
                target = model(inputs).argmax(1)
        maps: Tensor = InputXGradient(model).attribute(inputs, target.clone())
    return heatmap(maps.sum(1), height, width)


ATTRIBUTIONS.add(
    AttributionSpec(
        id="input_gradient",
        title="Input × gradient",
        summary="Which pixels raise the score of a class: needs no feature maps, so it fits an MLP too.",
        tasks=("classification",),
        paper="arXiv 1605.01713",
        attribute=input_gradient,
        layered=False,
    )
)
