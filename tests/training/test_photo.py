"""A photo of the person's own: degraded with a known target, taken as it is, or classified."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from test_fit import small_cnn

from kdexplorer import ConfigError, RunConfig
from kdexplorer.training.inspection import Inspection
from kdexplorer.training.photo import CUT, ENSEMBLE, SHRUNK, SQUARE, UNKNOWN, see_photo


def restoring(*degradations: dict[str, Any]) -> Inspection:
    return Inspection(
        RunConfig.from_dict(
            {
                "task": "restoration",
                "data": {"degradations": list(degradations), "held_out": 2, "held_out_crop": 32},
                "teacher": {"id": "espcn" if degradations[0]["id"] == "bicubic" else "dncnn"},
                "student": {"id": "espcn" if degradations[0]["id"] == "bicubic" else "dncnn"},
                "training": {"device": "cpu", "threads": 1},
            }
        )
    )


@pytest.fixture(scope="module")
def doubling() -> Inspection:
    return restoring({"id": "bicubic"})


def photo(path: Path, width: int, height: int, mode: str = "RGB") -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)
    return path


def see(run: Inspection, file: Path, *, degraded: bool, seed: int = 0, **options: Any) -> dict[str, Any]:
    return see_photo(run.task, run.networks, file, degraded=degraded, seed=seed, **options)


def size_of(panel: dict[str, Any]) -> tuple[int, int]:
    packed = base64.b64decode(panel["image"].partition(",")[2])
    with Image.open(io.BytesIO(packed)) as image:
        return image.size


def test_a_degraded_photo_is_scored_by_the_tasks_convention(doubling: Inspection, tmp_path: Path) -> None:
    shown = see(doubling, photo(tmp_path / "a.png", 81, 60), degraded=True)
    assert [panel["role"] for panel in shown["panels"]] == ["input", "control", "teacher", "target"]
    assert shown["size"] == [40, 30]
    assert {size_of(panel) for panel in shown["panels"]} == {(80, 60)}
    assert "PSNR on Y, 2 px shaved" in shown["convention"]
    control, teacher = shown["panels"][1]["metrics"], shown["panels"][2]["metrics"]
    assert control == teacher  # same seed, same weights
    assert 0 < control["psnr"] < 60
    assert shown["notes"] == []


def test_a_photo_taken_as_it_is_has_no_target(doubling: Inspection, tmp_path: Path) -> None:
    shown = see(doubling, photo(tmp_path / "a.png", 41, 30), degraded=False)
    assert [panel["role"] for panel in shown["panels"]] == ["input", "control", "teacher"]
    assert {size_of(panel) for panel in shown["panels"]} == {(82, 60)}
    assert not any("metrics" in panel for panel in shown["panels"])
    assert shown["notes"] == [UNKNOWN]
    assert "convention" not in shown


def test_large_photos_are_shrunk_or_cut_and_small_ones_refused(doubling: Inspection, tmp_path: Path) -> None:
    large = photo(tmp_path / "large.png", 300, 200)
    shown = see(doubling, large, degraded=True, max_pixels=15_000)
    assert shown["notes"] == [SHRUNK]
    assert size_of(shown["panels"][0]) == (150, 100)
    cut = see(doubling, large, degraded=False, max_pixels=24_000)
    assert cut["notes"] == [CUT, UNKNOWN]
    assert cut["size"] == [94, 63]
    with pytest.raises(ConfigError, match="each side needs 48"):
        see(doubling, photo(tmp_path / "small.png", 60, 30), degraded=True)
    with pytest.raises(ConfigError, match="There is no image"):
        see(doubling, tmp_path / "none.png", degraded=True)


def test_self_ensemble_takes_eight_views_of_fewer_pixels(tmp_path: Path) -> None:
    run, file = restoring({"id": "bicubic"}), photo(tmp_path / "a.png", 80, 60)
    draws = torch.Generator().manual_seed(0)
    for _, _, network in run.networks:  # untrained ones begin at the bicubic image, which no flip changes
        for weights in network.module.parameters():
            weights.add_(0.05 * torch.randn(weights.shape, generator=draws))
    once = see(run, file, degraded=True)
    eight = see(run, file, degraded=True, ensemble=True)
    assert eight["notes"] == [ENSEMBLE]
    same = [a["image"] == b["image"] for a, b in zip(once["panels"], eight["panels"], strict=True)]
    assert same == [True, False, False, True]  # input and target are what they were
    turned = photo(tmp_path / "turned.png", 80, 60)
    Image.open(file).rotate(180).save(turned)
    back = see(run, turned, degraded=True, ensemble=True)
    assert back["panels"][1]["metrics"]["psnr"] == pytest.approx(
        eight["panels"][1]["metrics"]["psnr"], abs=1e-3
    )
    smaller = see(run, file, degraded=True, ensemble=True, max_pixels=4 * 80 * 60 - 4)
    assert smaller["notes"] == [ENSEMBLE, SHRUNK]
    classifier = Inspection(small_cnn(data={"source": {"id": "digits"}, "held_out": 8}))
    with pytest.raises(ConfigError, match="only restored photos"):
        see(classifier, file, degraded=False, ensemble=True)


def test_the_noise_is_the_seeds(tmp_path: Path) -> None:
    run, file = restoring({"id": "gaussian_noise"}), photo(tmp_path / "a.png", 64, 48, "RGBA")
    inputs = [see(run, file, degraded=True, seed=seed)["panels"][0]["image"] for seed in (1, 1, 2)]
    assert inputs[0] == inputs[1] != inputs[2]


def test_a_photo_is_classified_by_its_middle(tmp_path: Path) -> None:
    run = Inspection(small_cnn(data={"source": {"id": "digits"}, "held_out": 8}))
    shown = see(run, photo(tmp_path / "a.png", 120, 40), degraded=False)
    assert shown["notes"] == [SQUARE]
    assert size_of(shown["panels"][0]) == (8, 8)
    for panel in shown["panels"][1:]:
        shares = [prediction["share"] for prediction in panel["predictions"]]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(1, abs=1e-3)
        assert panel["predictions"][0]["class"] in run.task.classes  # type: ignore[attr-defined]
