"""Local attribution maps (LAM): which input pixels a restored patch is made of."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kdexplorer.attribution.evaluation import evaluating
from kdexplorer.data.kernels import gaussian_blur
from kdexplorer.params import ConfigError

SIGMA = 1.2  # px: the blur with which the path begins
RADIUS = 4  # px: where its kernel is cut, as in the authors' code
STEPS = 16  # of the path; taken in their middles they need few: cosine to maps of 100 steps above 0.999
PIXELS_AT_ONCE = 20_000  # of all steps that go through the network together
FLAT = 1e-12  # under the root: a patch without any edge has a gradient, too


@dataclass(frozen=True)
class Patch:
    """A square of the restored image, in its pixels."""

    top: int
    left: int
    side: int


def gradient_detector(images: Tensor, patch: Patch) -> Tensor:
    """How much edge there is in a patch: its summed gradient magnitude, float [B, C, H, W] → [B]."""
    inside = images[..., patch.top : patch.top + patch.side, patch.left : patch.left + patch.side].float()
    corner = inside[..., :-1, :-1]
    down, right = inside[..., 1:, :-1] - corner, inside[..., :-1, 1:] - corner
    return (down.square() + right.square() + FLAT).sqrt().sum((1, 2, 3))


def local_attribution(
    model: nn.Module, image: Tensor, patch: Patch, *, sigma: float = SIGMA, steps: int = STEPS
) -> Tensor:
    """What each value of the input adds to the edges of a restored patch: [C, H, W] → float [C, H, W], signed.

    The gradient of `gradient_detector` at the restored patch, integrated along the path from the blurred to the sharp
    input, γ(α) = the input blurred by σ·(1 − α); arXiv 2011.11256. The sum of all values approaches
    the detector at the end less the detector at the beginning as `steps` grow.

    Args:
        model: [B, C, H, W] → [B, C, sH, sW]. Keeps its mode, and no gradient and no hook stay behind.
        image: the degraded input in [0, 1].
        patch: in pixels of the output, at least 2 a side.
        sigma: of the blur where the path begins, in pixels of the input.
        steps: of the path; the gradient is taken in the middle of each.

    Raises:
        ConfigError: the patch does not lie in the output.
    """
    at_once = max(1, PIXELS_AT_ONCE // image[0].numel())
    with evaluating(model), torch.inference_mode(False), torch.enable_grad():
        source = image.detach().clone().float()
        blurs = torch.linspace(sigma, 0, 2 * steps + 1, device=source.device)
        total = torch.zeros_like(source)
        for first in range(0, steps, at_once):
            part = torch.arange(first, min(first + at_once, steps), device=source.device)
            before, inputs, after = (_blurred(source, blurs[2 * part + i]) for i in range(3))
            inputs = inputs.contiguous(memory_format=torch.channels_last).requires_grad_()
            outputs = model(inputs)
            _check(patch, outputs)
            (slope,) = torch.autograd.grad(gradient_detector(outputs, patch).sum(), inputs)
            total += (slope * (after - before)).sum(0)
    return total


def _blurred(image: Tensor, sigma: Tensor) -> Tensor:
    """An image [C, H, W] blurred by every `sigma` [B]: [B, C, H, W]."""
    images = image.expand(len(sigma), *image.shape)
    return gaussian_blur(images, sigma.clamp(min=1e-3), RADIUS)


def _check(patch: Patch, outputs: Tensor) -> None:
    height, width = outputs.shape[-2:]
    fits = 0 <= patch.top <= height - patch.side and 0 <= patch.left <= width - patch.side
    if patch.side < 2 or not fits:
        raise ConfigError(
            f"patch: choose a square of 2 pixels or more inside the restored {width} × {height} pixels."
        )
