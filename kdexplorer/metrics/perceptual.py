"""Scores beside PSNR and SSIM: LPIPS where its network is on this machine, and one that needs no reference."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

ALEXNET = "alexnet-owt-7be5be79.pth"  # as torchvision names its file
LPIPS_CONVENTION = "LPIPS 0.1 with AlexNet on RGB; lower is better"
BLUR_CONVENTION = "blur effect, without a reference: 0 sharp, 1 blurred; on gray"
LEAST = 32  # pixels a side: AlexNet's pooling leaves nothing of less

Score = Callable[
    [Tensor, Tensor], float | None
]  # (output, target), each [1, C, H, W] in [0, 1]; None: not defined


def lpips_problem() -> str | None:
    """Why there is no LPIPS here, in words; None where there is."""
    file = Path(torch.hub.get_dir()) / "checkpoints" / ALEXNET
    if find_spec("torchmetrics") is None:
        return "LPIPS needs torchmetrics: install kdexplorer[lpips]."
    if not file.is_file():
        return f"LPIPS needs AlexNet's weights: put {ALEXNET} (torchvision) into {file.parent}."
    return None


def lpips() -> Score:
    """Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", arXiv 1801.03924.

    Ask `lpips_problem` first. Gray images are compared as three equal channels.
    """
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of how torchvision is called
        measure = LearnedPerceptualImagePatchSimilarity("alex", normalize=True).eval()

    def score(output: Tensor, target: Tensor) -> float | None:
        if min(target.shape[-2:]) < LEAST:
            return None
        pair = (_eight_bits(x).expand(-1, 3, -1, -1) for x in (output, target))
        measure.reset()
        with torch.no_grad():
            return float(measure(*pair))

    return score


def _eight_bits(image: Tensor) -> Tensor:
    return image.detach().float().cpu().clamp(0, 1).mul(255).round().div(255)


def blur_effect(image: Tensor) -> float:
    """How blurred [1, C, H, W] in [0, 1] looks, from 0 to 1: no clean image is needed.

    Crété-Roffet et al., "The Blur Effect: Perception and Estimation with a New No-Reference Perceptual Blur Metric",
    SPIE 2007, as scikit-image has it.
    """
    from skimage.measure import blur_effect as measured

    gray = _eight_bits(image).mean(dim=1)[0].numpy()
    return float(measured(gray))  # type: ignore[no-untyped-call]
