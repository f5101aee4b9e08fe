"""Which channels PSNR and SSIM look at, and what is shaved, by task."""

from __future__ import annotations

from kdexplorer.config import Component, DataConfig
from kdexplorer.models import ModelIO
from kdexplorer.tasks.conventions import channel_and_shave


def test_what_psnr_looks_at_is_what_the_field_takes():
    def seen(scale: int, channels: int, *degradations: str) -> tuple[str, int]:
        data = DataConfig(degradations=tuple(Component(id=id) for id in degradations))
        return channel_and_shave(ModelIO(scale=scale, channels=channels), data)

    assert seen(1, 3, "gaussian_noise") == ("rgb", 0)
    assert seen(2, 3, "bicubic") == ("y", 2)
    assert seen(1, 3, "rain_streaks") == ("y", 0)
    assert seen(1, 3, "haze", "rain_drops") == ("y", 0)
    assert seen(1, 1, "rain_streaks") == ("gray", 0)
    assert seen(3, 1, "bicubic") == ("gray", 3)
