"""What the form shows of degradations before a run: exactly what they do, in order, or why not."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kdexplorer import ConfigError
from kdexplorer.config import DataConfig
from kdexplorer.data import DEGRADATIONS
from kdexplorer.training.degradation_preview import DegradationPreview

BLUR, JPEG = {"id": "gaussian_blur", "params": {"sigma": 2.0}}, {"id": "jpeg", "params": {"quality": 5}}


def data(*degradations: dict[str, Any], **source: Any) -> DataConfig:
    found = {"source": source} if source else {}
    return DataConfig.model_validate({"degradations": list(degradations), **found})


def pixels(shown: dict[str, Any], part: str) -> np.ndarray:
    packed = base64.b64decode(shown[part].partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(packed))).astype(int)


def test_the_order_matters_and_the_draw_is_the_seed() -> None:
    preview = DegradationPreview()
    first, second = (preview.show(data(*chain), 0) for chain in ((BLUR, JPEG), (JPEG, BLUR)))
    assert first["clean"] == second["clean"]
    assert first["degraded"] != second["degraded"]
    again, other = preview.show(data(BLUR, JPEG), 0), preview.show(data(BLUR, JPEG), 1)
    assert again == first
    assert other["name"] != first["name"]
    noise = {"id": "gaussian_noise", "params": {"sigma": 10.0}}
    shown = preview.show(data(noise), 4)
    difference = pixels(shown, "degraded") - pixels(shown, "clean")
    assert difference.std() == pytest.approx(10, rel=0.1)


def test_sizes_are_told_and_too_small_ones_refused() -> None:
    preview, shrink = DegradationPreview(), {"id": "bicubic", "params": {"scale": 4}}
    shown = preview.show(data(shrink), 0)
    assert (shown["clean_size"], shown["degraded_size"]) == ([144, 144], [36, 36])
    assert pixels(shown, "degraded").shape == (36, 36, 3)
    with pytest.raises(ConfigError, match="shrink the image 64×"):
        preview.show(data(shrink, shrink, shrink), 0)


def test_a_source_or_a_degradation_that_fails_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preview = DegradationPreview()
    with pytest.raises(ConfigError, match="not a folder that can be read"):
        preview.show(data(BLUR, id="photo_folder", params={"path": str(tmp_path / "gone")}), 0)
    for index in range(12):
        Image.new("RGB", (64, 48), (index, 0, 0)).save(tmp_path / f"{index:02}.png")
    folder = {"id": "photo_folder", "params": {"path": str(tmp_path)}}
    (tmp_path / "11.png").write_bytes(b"broken, but never opened: a few images suffice")
    assert preview.show(data(BLUR, **folder), 0)["clean_size"] == [64, 48]

    def fail(*_: Any) -> None:
        raise RuntimeError("kernel larger than the image\nand a long story")

    monkeypatch.setitem(vars(DEGRADATIONS["gaussian_blur"]), "apply", fail)
    with pytest.raises(
        ConfigError, match="^Gaussian blur fails on this image: kernel larger than the image$"
    ):
        preview.show(data(BLUR), 0)
