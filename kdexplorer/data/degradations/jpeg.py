"""JPEG compression, by the real codec."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from kdexplorer.data.spec import DEGRADATIONS, DegradationSpec, Sampled
from kdexplorer.data.strength import range_params, strengths
from kdexplorer.params import Param

QUALITY = Param(
    name="quality",
    title="Quality",
    default=20,
    minimum=1,
    maximum=100,
    help="As in every image program: the lower, the smaller the file and the more blocks are seen.",
)


def sample(shape: Sequence[int], params: Mapping[str, Any], generator: torch.Generator) -> Sampled:
    """`quality` [B], whole numbers."""
    return {"quality": strengths("quality", shape[0], params, generator).round()}


def apply(images: Tensor, sampled: Sampled, params: Mapping[str, Any]) -> Tensor:
    """Clipped and rounded to 8 bits, as a file is; colours at half resolution (4:2:0), as is common."""
    pixels = images.clamp(0, 1).mul(255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    qualities = sampled["quality"].int().tolist()
    read = np.stack(
        [_through_a_file(image, quality) for image, quality in zip(pixels, qualities, strict=True)]
    )
    return torch.from_numpy(read).to(images.device).permute(0, 3, 1, 2).float().div(255)


def _through_a_file(image: np.ndarray, quality: int) -> np.ndarray:
    """uint8 [H, W, C] as it is read again, of the same shape."""
    file = io.BytesIO()
    Image.fromarray(image.squeeze(2) if image.shape[2] == 1 else image).save(
        file, "JPEG", quality=quality, subsampling="4:2:0"
    )
    return np.asarray(Image.open(file)).reshape(image.shape)


DEGRADATIONS.add(
    DegradationSpec(
        id="jpeg",
        title="JPEG",
        order=20,
        summary="Compresses as an image file does: blocks, and rings at edges.",
        tasks=("restoration",),
        params=range_params(QUALITY),
        sample=sample,
        apply=apply,
    )
)
