"""What the page says of numbers: the log's own sentence, rankings, and maps that hold nothing, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from person import Person
from playwright.sync_api import Page

from kdexplorer.events import MetricInfo
from kdexplorer.tasks.verdict import sentence

ACCURACY = MetricInfo(
    id="accuracy", title="Accuracy", unit="%", digits=1, higher_is_better=True, convention="top-1"
)
PSNR = MetricInfo(id="psnr", title="PSNR", unit="dB", digits=2, higher_is_better=True, convention="RGB")
ERROR = MetricInfo(id="error", title="Error", unit="%", digits=1, higher_is_better=False, convention="top-1")
CASES = [
    (ACCURACY, (3.9, 1.7, 6.1), 15, 1),
    (ACCURACY, (-5.6, -8.3, -3.1), 3, 24),
    (ACCURACY, (0.0, 0.0, 0.0), 0, 0),
    (PSNR, (0.0204, 0.0181, 0.0229), 60, 8),
    (PSNR, (0.05, -0.02, 0.13), 40, 28),
    (ERROR, (-1.25, -2.5, -0.25), 3, 9),
]


@pytest.fixture
def ask(visitor: Callable[..., Person]) -> Callable[..., Any]:
    """Calls a function of a module of the page."""
    page: Page = visitor().visit()

    def call(module: str, code: str, *values: Any) -> Any:
        found = "performance.getEntriesByType('resource').map(entry => entry.name)"
        url = page.evaluate(f"name => {found}.find(address => address.includes(`/${{name}}.js`))", module)
        return page.evaluate(
            f"async ([url, values]) => {{ const m = await import(url); {code} }}", [url, values]
        )

    return call


def verdict(
    interval: tuple[float, float, float], better: int, worse: int, name: str = "t1"
) -> dict[str, Any]:
    difference, low, high = interval
    return {
        "variant": name, "value": 20 + difference, "control": 20.0, "difference": difference, "low": low, "high": high,
        "better": better, "worse": worse, "total": 68,
    }  # fmt: skip


def test_the_page_says_what_the_log_says(ask: Callable[..., Any]) -> None:
    for metric, interval, better, worse in CASES:
        found = verdict(interval, better, worse)
        logged = sentence(metric, "t1", found["value"], 20.0, interval, better, worse, 68)
        shown = ask("verdict_words", "return m.sentenceOf(...values)", found, metric.model_dump())
        assert shown.replace("\u2212", "-") == logged


def test_a_ranking_names_who_is_worse_and_says_when_nobody_differs(ask: Callable[..., Any]) -> None:
    def said(*order: dict[str, Any]) -> str:
        code = "return m.rankingSentences(...values).join(' ')"
        return str(ask("verdict_words", code, list(order), ACCURACY.model_dump())).replace("\u2212", "-")

    same, worse = verdict((0, 0, 0), 0, 0), verdict((-5.6, -8.3, -3.1), 3, 24, "t8")
    leader = verdict((3.9, 1.7, 6.1), 15, 1, "t4")
    assert said(same, verdict((0, 0, 0), 0, 0, "t2")).startswith("No difference")
    assert "t8 (-5.6 [-8.3, -3.1] points)" in said(same, worse)
    assert "None is better than the control on these 68 images, one seed; t1 scores as" in said(same, worse)
    assert said(leader, worse).startswith(
        "t4 leads: +3.9 points over the control on these 68 images, one seed"
    )
    assert "Clearly worse than the control: t8" in said(leader, worse)
    assert said(worse).startswith("All are clearly worse")


def test_an_empty_map_shows_dashes_and_says_why(ask: Callable[..., Any]) -> None:
    scores = {"cosine": None, "spearman": None, "overlap": None, "inside": None}
    panels = [
        {"role": "input", "name": "input", "image": ""},
        {"role": "variant", "name": "t1", "image": "", "empty": True},
    ]
    code = """
      const maps = new m.Maps();
      maps.show(values[0], { id: 'x', variants: ['t1', 'control'] }, null, '');
      return [...maps.element.querySelectorAll('dd, .k-map-blank')].map(node => node.textContent);"""
    shown = ask(
        "attention_maps",
        code,
        {"title": "Grad-CAM", "step": 0, "panels": panels, "alignment": {"t1": scores}},
    )
    assert shown == ["", "no positive evidence: the map is empty", "–", "–", "–", "–"]
