"""How strong a degradation is: one strength, or one an image from a range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from kdexplorer.params import Param

HELP = "Above 0, every image draws its own strength between {name} and this; 0 keeps {name} fixed."


def range_params(param: Param) -> tuple[Param, Param]:
    """`param`, and `<name>_max` for a strength that is drawn for each image: blind restoration."""
    title = param.title or param.name
    top = param.model_copy(
        update={
            "name": f"{param.name}_max",
            "title": f"{title}, up to",
            "default": type(param.default)(0),
            "minimum": 0.0,
            "advanced": True,
            "help": HELP.format(name=title),
        }
    )
    return param, top


def strengths(name: str, batch: int, params: Mapping[str, Any], generator: torch.Generator) -> Tensor:
    """Float [B]: `params[name]`, or uniform between it and `params[name + "_max"]` where that is above 0."""
    low = float(params[name])
    high = float(params[f"{name}_max"]) or low
    return low + (high - low) * torch.rand(batch, generator=generator, device=generator.device)
