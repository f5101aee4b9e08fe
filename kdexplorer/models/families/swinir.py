"""SwinIR: attention within shifted windows, in residual groups."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from kdexplorer.models.restorer import DIV2K_MEAN, Restorer, start_constant
from kdexplorer.models.spec import MODELS, ModelIO, ModelSpec
from kdexplorer.models.stages import by_depth
from kdexplorer.models.upsampling import scale_problem
from kdexplorer.params import Param


class _Mapped(nn.Module):
    """A group of spandrel that also gives its tokens [B, H·W, C] as a map [B, C, H, W], at `map`."""

    map: nn.Module

    def forward(self, tokens: Tensor, size: tuple[int, int]) -> Tensor:
        after = super().forward(tokens, size)
        shown: Tensor = self.map(after.transpose(1, 2).unflatten(2, size))
        return shown.flatten(2).transpose(1, 2)


class _EverySize(tuple[int, ...]):
    """Equal to every size: a block whose windows do not shift needs no mask at any."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return True


class _LinspaceOnCpu(TorchFunctionMode):
    """spandrel reads these numbers while it builds, and the meta device has none."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        where = {"device": "cpu"} if func is torch.linspace else {}
        return func(*args, **{**(kwargs or {}), **where})


def _mapped(group: type[nn.Module]) -> type[nn.Module]:
    return type(group.__name__, (_Mapped, group), {})


def _build(params: Mapping[str, Any], io: ModelIO) -> Restorer:
    from spandrel.architectures.SwinIR import SwinIR

    with warnings.catch_warnings(), _LinspaceOnCpu():
        warnings.filterwarnings("ignore", "torch.meshgrid")
        net: Any = SwinIR(
            img_size=2 * params["window"],
            in_chans=io.channels,
            embed_dim=params["width"],
            depths=[params["blocks"]] * params["groups"],
            num_heads=[params["heads"]] * params["groups"],
            window_size=params["window"],
            mlp_ratio=2.0,
            drop_path_rate=0.0,
            upscale=io.scale,
            upsampler="" if io.scale == 1 else "pixelshuffledirect",
        )
    for group in net.layers:
        group.__class__ = _mapped(type(group))
        group.map = nn.Identity()
        for block in group.residual_group.blocks:
            # masks are made for the size at hand, and none is stored with the weights
            block.attn_mask = None
            block.input_resolution = (0, 0) if block.shift_size else _EverySize()
    if io.scale == 1:  # it has a skip of its own
        start_constant(net.conv_last)
    elif params["global_skip"]:
        mean = DIV2K_MEAN if io.channels == 3 else (0.0,)  # which it adds at the end
        start_constant(net.upsample[0], [-value for value in mean])
    global_skip = io.scale > 1 and params["global_skip"]
    return Restorer(net, scale=io.scale, multiple=params["window"], global_skip=global_skip)


def _groups(params: Mapping[str, Any]) -> list[str]:
    return [f"net.layers.{group}.map" for group in range(params["groups"])]


def _fits(params: Mapping[str, Any], io: ModelIO) -> str | None:
    if params["width"] % params["heads"]:
        return f"{params['heads']} heads share the channels: choose a width that is a multiple of {params['heads']}."
    if io.channels not in (1, 3):
        return f"it takes gray or colour images, not {io.channels} channels."
    return scale_problem(io.scale)


MODELS.add(
    ModelSpec(
        id="swinir",
        title="SwinIR",
        order=53,
        summary="Attention within windows that shift from block to block; enlarges at the end, or not at all.",
        tasks=("restoration",),
        paper="arXiv 2108.10257",
        params=(
            Param(
                name="width", default=16, minimum=6, maximum=240, help="Channels, a multiple of the heads."
            ),
            Param(name="groups", default=2, minimum=1, maximum=6, help="Residual groups."),
            Param(
                name="blocks",
                default=2,
                minimum=1,
                maximum=6,
                help="Blocks of each group; every second one shifts its windows.",
            ),
            Param(name="heads", default=2, minimum=1, maximum=8, help="Attention heads of every block."),
            Param(
                name="window",
                default=4,
                minimum=2,
                maximum=16,
                help="Side of a window; 8 as published.",
                unit="px",
            ),
            Param(
                name="global_skip",
                default=True,
                advanced=True,
                help="When it enlarges, add the result to the bicubic image; published weights: off.",
            ),
        ),
        build=_build,
        stages=lambda params, io: by_depth(_groups(params)),
        attribution_layer=lambda params, io: _groups(params)[-1],
        fits=_fits,
    )
)
