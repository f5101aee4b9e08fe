"""RCAN: groups of residual blocks that weigh their channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from kdexplorer.models.restorer import DIV2K_MEAN, Restorer, start_constant
from kdexplorer.models.spec import MODELS, ModelIO, ModelSpec
from kdexplorer.models.stages import by_depth
from kdexplorer.models.upsampling import scale_problem
from kdexplorer.params import Param

RANGE = 255  # of the published weights' pixels


class _Adding(nn.Module):
    """A residual block of spandrel that adds to a new tensor, so that tapped features keep their values."""

    body: nn.Module

    def forward(self, x: Tensor) -> Tensor:
        residual: Tensor = self.body(x)
        return residual + x


class _NotInPlace(nn.Module):
    """spandrel's RCAN, which scales its input and adds its skip in place, without both."""

    def forward(self, images: Tensor) -> Tensor:
        net: Any = self
        features = net.head(net.sub_mean(images * net.rgb_range))
        output: Tensor = net.add_mean(net.tail(net.body(features) + features)) / net.rgb_range
        return output


def _of_both(ours: type[nn.Module], theirs: type[nn.Module]) -> type[nn.Module]:
    return type(theirs.__name__, (ours, theirs), {})


def _shift(sign: int) -> nn.Conv2d:
    """Adds or subtracts the mean; spandrel's cannot be built on the meta device."""
    shift = nn.Conv2d(3, 3, 1)
    with torch.no_grad():
        shift.weight.copy_(torch.eye(3).view(3, 3, 1, 1))
        shift.bias.copy_(sign * RANGE * torch.tensor(DIV2K_MEAN))  # type: ignore[union-attr]
    return shift


def _build(params: Mapping[str, Any], io: ModelIO) -> Restorer:
    from spandrel.architectures.RCAN import RCAN

    net: Any = RCAN(
        scale=io.scale,
        n_resgroups=params["groups"],
        n_resblocks=params["blocks"],
        n_feats=params["width"],
        n_colors=io.channels,
        norm=False,
        reduction=params["reduction"],
    )
    for module in net.modules():
        if type(module).__name__ in ("RCAB", "ResidualGroup"):
            module.__class__ = _of_both(_Adding, type(module))
    net.__class__ = _of_both(_NotInPlace, type(net))
    if params["mean_shift"]:
        net.sub_mean, net.add_mean, net.rgb_range = _shift(-1), _shift(1), RANGE
    if params["global_skip"]:
        # what the last layer gives, the shift by the mean takes to 0
        mean = [-RANGE * value for value in DIV2K_MEAN] if params["mean_shift"] else [0.0]
        start_constant(net.tail[1], mean)
    return Restorer(net, scale=io.scale, global_skip=params["global_skip"])


def _groups(params: Mapping[str, Any]) -> list[str]:
    return [f"net.body.{group}" for group in range(params["groups"])]


def _fits(params: Mapping[str, Any], io: ModelIO) -> str | None:
    if params["width"] < params["reduction"]:
        return f"reduction {params['reduction']} leaves nothing of {params['width']} channels: lower it."
    if params["mean_shift"] and io.channels != 3:
        return "the mean shift is for colour: switch it off for gray images."
    return scale_problem(io.scale)


MODELS.add(
    ModelSpec(
        id="rcan",
        title="RCAN",
        order=52,
        summary="Residual blocks in groups, each block with an attention over its channels.",
        tasks=("restoration",),
        paper="arXiv 1807.02758",
        params=(
            Param(name="width", default=16, minimum=8, maximum=64, help="Channels of every block."),
            Param(name="groups", default=2, minimum=1, maximum=10, help="Residual groups."),
            Param(name="blocks", default=3, minimum=1, maximum=20, help="Residual blocks of each group."),
            Param(
                name="reduction",
                default=4,
                minimum=1,
                maximum=16,
                advanced=True,
                help="By how much the channel attention narrows; 16 as published.",
            ),
            Param(
                name="mean_shift",
                default=False,
                advanced=True,
                help="Subtract the mean of DIV2K and count to 255, as published.",
            ),
            Param(
                name="global_skip",
                default=True,
                advanced=True,
                help="Add the result to the bicubic image, so that training starts at its quality; published weights: off.",
            ),
        ),
        build=_build,
        stages=lambda params, io: by_depth(_groups(params)),
        attribution_layer=lambda params, io: _groups(params)[-1],
        fits=_fits,
    )
)
