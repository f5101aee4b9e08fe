"""Pictures of previews: files of their own, no two alike, none without a preview that shows it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from kdexplorer.preview_pictures import INLINE, addressed, is_reference, names_in, picture_path, put_aside
from kdexplorer.tasks.picture import data_uri
from kdexplorer.training.preview import KEPT, save_preview


def noise(seed: int, side: int = 48) -> torch.Tensor:
    return torch.rand(3, side, side, generator=torch.Generator().manual_seed(seed))


def preview(step: int, changing: int) -> dict[str, Any]:
    """An input that stays, an output that changes, and a picture too small for a file of its own."""
    panels = [
        {"role": "input", "image": data_uri(noise(0))},
        {"role": "variant", "image": data_uri(noise(changing))},
    ]
    return {
        "step": step,
        "items": [{"name": "pictures/x.png", "panels": panels}],
        "thumbnail": data_uri(noise(1, 8)),
    }


def test_no_pixel_changes_and_what_is_small_stays(tmp_path: Path) -> None:
    shown = preview(1, 2)
    kept = put_aside(shown, tmp_path)
    reference = kept["items"][0]["panels"][1]["image"]
    assert is_reference(reference)
    assert kept["thumbnail"] == shown["thumbnail"]
    assert len(shown["thumbnail"]) < INLINE
    assert kept["items"][0]["name"] == "pictures/x.png"
    path = picture_path(tmp_path, reference.partition("/")[2])
    assert path is not None
    assert path.read_bytes() == base64.b64decode(shown["items"][0]["panels"][1]["image"].partition(",")[2])
    expected = (noise(2) * 255).round().byte().permute(1, 2, 0).numpy()
    assert np.array_equal(np.asarray(Image.open(path)), expected)


def test_what_does_not_change_is_one_file_with_one_address(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        save_preview(tmp_path, preview(step, changing=10 + step))
    assert len(list((tmp_path / "previews" / "pictures").iterdir())) == 1 + 3
    found = [json.loads((tmp_path / "previews" / f"0000000{step}.json").read_text()) for step in (1, 2)]
    first, second = (addressed(each, "kdx/picture/abc/")["items"][0]["panels"] for each in found)
    assert first[0] == second[0]
    assert first[1]["image"] != second[1]["image"]
    assert first[0]["image"].startswith("kdx/picture/abc/")
    assert not is_reference(first[0]["image"])


def test_an_old_preview_stays_as_it_was_written() -> None:
    shown = preview(1, 2)
    assert addressed(shown, "kdx/picture/abc/") == shown


def test_thinned_previews_take_their_pictures_along(tmp_path: Path) -> None:
    for step in range(KEPT + 1):
        save_preview(tmp_path, preview(step, changing=100 + step))
    previews = list((tmp_path / "previews").glob("*.json"))
    assert len(previews) < KEPT
    used = names_in(previews)
    assert len(used) == 1 + len(previews)
    assert {file.name for file in (tmp_path / "previews" / "pictures").iterdir()} == used


def test_only_names_of_our_own_making_lead_to_a_file(tmp_path: Path) -> None:
    for name in ("../config.json", "a.png", "A" * 32 + ".png", "0" * 32 + ".png/", "0" * 32 + ".json", ""):
        assert picture_path(tmp_path, name) is None
    assert picture_path(tmp_path, "0" * 32 + ".png") is not None
