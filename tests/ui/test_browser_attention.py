"""The Attention tab over a short run on shapes: maps, scores, the curve over the checkpoints, one question at a time."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from kdexplorer.config import with_values
from kdexplorer.presets import preset_config
from kdexplorer.runs.executors import Inline
from kdexplorer.runs.manager import Manager
from kdexplorer.runs.store import Store

QUESTIONS = ("facts", "attribute", "align")
STEPS = [4, 8, 12]


@pytest.fixture(scope="module")
def run(shared: Any) -> str:
    settings = {
        "data.held_out": 12, "training.steps": STEPS[-1], "training.batch_size": 4, "training.threads": 1,
        "training.evaluate_every": STEPS[-1], "training.checkpoint_every": STEPS[0],
    }  # fmt: skip
    store = Store(shared.home)
    config = with_values(preset_config("shapes"), settings)
    begun: str = Manager(store, executor=Inline()).start(config, actor=None)
    store.close()
    return begun


class Asked:
    """What is asked of the inspector, and how many questions were under way at once."""

    def __init__(self, page: Page) -> None:
        self.under_way: set[Request] = set()
        self.names: list[str] = []
        self.most = 0
        page.on("request", self._begin)
        page.on("requestfinished", self._end)
        page.on("requestfailed", self._end)

    def _end(self, request: Request) -> None:
        self.under_way.discard(request)

    def _begin(self, request: Request) -> None:
        data = request.post_data_json if "component_server" in request.url else None
        if data and data.get("fn_name") in QUESTIONS:
            self.names.append(data["fn_name"])
            self.under_way.add(request)
            self.most = max(self.most, len(self.under_way))


def test_the_maps_their_scores_and_the_curve(browser: Browser, shared: Any, run: str) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    page = context.new_page()
    page.set_default_timeout(120_000)
    complaints: list[str] = []
    page.on("console", lambda m: m.type == "error" and complaints.append(m.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    asked = Asked(page)
    page.goto(f"{shared.url}?run={run}")
    page.get_by_role("tab", name="Attention").click()
    figures = page.locator(".k-maps .k-picture")
    expect(figures).to_have_count(4)
    for role, scores in {"teacher": ["inside"], "control": ["cosine", "rank", "top 20 %", "inside"]}.items():
        expect(page.locator(f".k-maps [data-role={role}] dt")).to_have_text(scores)

    page.wait_for_function("n => window.kdx.attention.points().length === n", arg=len(STEPS))
    assert sorted(page.evaluate("window.kdx.attention.points()")) == STEPS
    page.wait_for_function("document.getElementById('kdx-chart-alignment').data?.length === 6")
    chart = page.locator(".k-chart-panel", has=page.locator("#kdx-chart-alignment"))
    chart.locator("summary").click()
    expect(chart.locator(".k-twin tbody th")).to_have_text([str(step) for step in STEPS])
    chart.locator("select").select_option("inside")
    page.wait_for_function(
        "document.getElementById('kdx-chart-alignment').data.some(line => line.name === 'teacher')"
    )

    over = page.locator(".k-maps [data-role=variant] .k-over")
    last = over.get_attribute("src")
    page.locator(".k-look .k-scrub input").fill("0")
    expect(page.locator(".k-look .k-scrub")).to_contain_text(f"step {STEPS[0]}")
    expect(over).not_to_have_attribute("src", last or "")
    assert float(over.evaluate("image => getComputedStyle(image).opacity")) == pytest.approx(0.6)
    page.get_by_role("button", name="map only").click()
    assert over.evaluate("image => getComputedStyle(image).opacity") == "1"

    before = asked.names.count("attribute")
    page.locator(".k-look [data-name=algorithm]").select_option("attention")
    expect(page.locator(".k-maps-panel > .k-note")).to_contain_text("Attention")
    page.wait_for_function("n => window.kdx.attention.points().length === n", arg=len(STEPS))
    assert asked.names.count("attribute") == before + 1
    assert asked.most == 1
    context.close()
    assert not complaints
