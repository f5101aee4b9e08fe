"""The figures of an export: styles that mean one thing, and previews of any shape."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from kdexplorer.home import preview_path
from kdexplorer.runs import figures
from kdexplorer.runs.preview_figures import preview_figures
from kdexplorer.runs.verdict_figure import difference_text, interval_text, verdict_png

METRIC = {
    "id": "accuracy", "title": "Accuracy", "unit": "%", "digits": 1, "higher_is_better": True, "convention": "top-1",
}  # fmt: skip
STARTED = {"kind": "started", "step": 0, "metrics": [METRIC], "variants": ["t1", "t8", "control"]}


def term(value: float) -> dict[str, float]:
    return {"value": value, "weight": 1.0}


def log() -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = [STARTED]
    for step in (0, 10):
        scores = {name: {"accuracy": 50.0 + step} for name in STARTED["variants"]}  # type: ignore[attr-defined]
        losses = {"t1": {"task": term(2.0), "soft_targets": term(9.0)}, "control": {"task": term(2.0)}}
        events.append({"kind": "step", "step": step, "learning_rate": 0.1, "losses": losses})
        events.append({"kind": "evaluated", "step": step, "variants": scores, "teacher": {"accuracy": 90.0}})
    return events


def write(folder: Path, preview: Any, scores: Any = None) -> Path:
    for part, values in (("", preview), ("scores", scores)):
        path = preview_path(folder, 10, part)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    return folder


def size(content: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(content)) as picture:
        return picture.size


def test_the_page_and_the_picture_draw_alike() -> None:
    page = figures.html(log(), "A <b>name</b>")
    assert '"title":{"text":"Accuracy (%)"}' in page
    assert page.count('"dash":"dash"') == 2  # the control's quality and its loss
    assert '"type":"log"' in page
    assert "top-1" in page
    assert size(figures.png(log(), "A $name$")) == (2400, 900)


def test_every_variant_is_in_the_verdict() -> None:
    verdict = {
        "metric": "accuracy", "variant": "t1", "difference": 0.02, "low": 0.018, "high": 0.023, "better": 3, "worse": 1,
        "total": 60,
    }  # fmt: skip
    one = verdict_png([verdict], STARTED, 10)
    two = verdict_png([verdict, {**verdict, "variant": "t8", "better": 0, "worse": 0}], STARTED, 10)
    assert size(two)[1] > size(one)[1]
    assert difference_text(verdict, 1) == "+0.020"
    assert interval_text(verdict, 1) == "[+0.018, +0.023]"


def test_confusion_of_control_and_distilled(tmp_path: Path) -> None:
    preview = {"step": 10, "kind": "classification", "classes": ["cat", "a$dog"]}
    scores = {"confusion": {"t1": [[3, 1], [0, 4]], "control": [[2, 2], [0, 0]], "teacher": [[4, 0], [0, 4]]}}
    found = preview_figures(write(tmp_path, preview, scores))
    assert list(found) == ["confusion.png"]
    assert size(found["confusion.png"])[0] == round(2 * 4.4 * 150)


@pytest.mark.parametrize(
    "preview",
    [
        None,
        [],
        {"kind": "restoration", "items": []},
        {
            "kind": "restoration",
            "items": [{"name": "x", "panels": [{"role": "input", "image": "../../etc/passwd"}]}],
        },
        {"kind": "classification", "classes": 3},
    ],
)
def test_a_preview_of_another_shape_gives_no_figure(preview: Any, tmp_path: Path) -> None:
    assert preview_figures(write(tmp_path, preview, {"confusion": {"t1": [1]}})) == {}
    assert preview_figures(tmp_path / "none") == {}
