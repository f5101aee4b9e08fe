"""A run scored on an image so large that it was tiled, by a network that looks at all pixels: the page says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from kdexplorer.cli_text import summary_lines
from kdexplorer.config import with_values
from kdexplorer.presets import preset_config
from kdexplorer.runs.executors import Inline
from kdexplorer.runs.manager import Manager
from kdexplorer.runs.report import summary
from kdexplorer.runs.store import Store


@pytest.fixture(scope="module")
def tiled(shared: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("large")
    ramp = np.tile(np.linspace(0, 255, 640).astype(np.uint8)[None, :, None], (520, 1, 3))
    Image.fromarray(ramp).save(folder / "ramp.png")
    values = {
        "teacher": None, "variants": [], "student": {"id": "restormer"},
        "data.source": {"id": "photo_folder", "params": {"path": str(folder), "held_out_path": str(folder)}},
        "data.held_out": 2, "data.held_out_crop": 0, "data.patch": 16, "training.steps": 10,
        "training.evaluate_every": 10, "training.batch_size": 2, "training.threads": 1, "training.learning_rate": 0.01,
    }  # fmt: skip
    store = Store(Path(shared.home))
    run: str = Manager(store, executor=Inline()).start(
        with_values(preset_config("denoise"), values), actor=None
    )
    store.close()
    return run


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en-US", "control: The network looks further than 48 pixels: its tiles differed by up to"),
        ("zh-CN", "control：该网络看到的范围超过 48 像素"),
    ],
)
def test_scores_of_tiles_that_differ_are_marked(
    visitor: Callable[..., Any], tiled: str, locale: str, words: str
) -> None:
    someone = visitor(locale=locale)
    page = someone.visit(f"?tab=pictures&run={tiled}")
    page.wait_for_function("window.kdx.live.run()?.over")
    expect(page.locator(".k-image-scores").get_by_text(words)).to_be_visible()
    someone.show("distill")
    expect(page.locator(".k-facts").get_by_text(words)).to_be_visible()


def test_so_is_a_runs_summary(shared: Any, tiled: str) -> None:
    store = Store(Path(shared.home))
    said = summary_lines(summary(store, tiled))[-1]
    store.close()
    assert said.startswith("control: The network looks further than 48 pixels")
