"""How restored images are scored: what PSNR and SSIM look at, and what that asks of an image."""

from __future__ import annotations

from torch import Tensor

from kdexplorer.config import DataConfig
from kdexplorer.metrics.image import WINDOW, Channel
from kdexplorer.models import ModelIO
from kdexplorer.params import ConfigError

RAIN = ("rain_streaks", "rain_drops")


def channel_and_shave(io: ModelIO, data: DataConfig) -> tuple[Channel, int]:
    """What PSNR and SSIM look at: luma where an image was enlarged (a border of `scale` pixels shaved) or rained on."""
    shave = io.scale if io.scale > 1 else 0
    if io.channels == 1:
        return "gray", shave
    rained = any(degradation.id in RAIN for degradation in data.degradations)
    return "y" if shave or rained else "rgb", shave


def conventions(io: ModelIO, data: DataConfig) -> tuple[str, str]:
    """How PSNR and SSIM are computed, in words."""
    channel, shave = channel_and_shave(io, data)
    where = f"{channel if channel == 'gray' else channel.upper()}, {f'{shave} px shaved' if shave else 'no shave'}"
    return (
        f"PSNR on {where}, 8-bit rounded, averaged over images",
        f"SSIM on {where}, Gaussian window 11, σ 1.5, valid region",
    )


def least_side(io: ModelIO, data: DataConfig) -> int:
    """Pixels a side that a clean image needs so that it can be scored: the window of SSIM and what is shaved off."""
    _, shave = channel_and_shave(io, data)
    return -(-(WINDOW + 2 * shave) // io.scale) * io.scale


def check_side(name: str, clean: Tensor, io: ModelIO, data: DataConfig) -> None:
    """Whether a clean image [..., H, W] can be scored.

    Raises:
        ConfigError: it is too small.
    """
    if min(clean.shape[-2:]) < (least := least_side(io, data)):
        raise ConfigError(
            f"{name} is too small to be scored: SSIM needs {least} pixels a side here. Take a larger image."
        )


def check_crop(io: ModelIO, data: DataConfig) -> None:
    """Whether the held-out crops can be scored.

    Raises:
        ConfigError: they are too small.
    """
    if 0 < data.held_out_crop < (least := least_side(io, data)):
        raise ConfigError(
            f"data.held_out_crop: SSIM needs {least} pixels a side here. Take at least {least}, or 0 for whole images."
        )
