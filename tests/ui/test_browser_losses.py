"""The loss chart: terms as they are, weighted, and by their share of the gradient."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from person import Person
from playwright.sync_api import expect

from kdexplorer.config import with_values
from kdexplorer.presets import preset_config
from kdexplorer.runs.executors import Inline
from kdexplorer.runs.manager import Manager
from kdexplorer.runs.store import Store

PLOT = "document.getElementById('kdx-chart-losses')"
LONG = """points => {
  const run = kdx.live.run(), step = Array.from({length: points}, (_, i) => i + 1);
  const wave = step.map(i => 0.5 + 0.4 * Math.sin(i / 300));
  run.steps = step;
  run.row.steps = points;
  run.shares = {step, variants: {distilled: {task: wave, hint: wave.map(value => 1 - value)}}};
}"""
SHIFT = """() => new Promise(done => {
  const range = document.querySelector('.k-smooth input'), times = [];
  const next = () => {
    if (times.length === 12) return done(times.sort((a, b) => a - b)[6]);
    range.value = (times.length % 10) / 12;
    const begin = performance.now();
    range.dispatchEvent(new Event('input'));
    times.push(performance.now() - begin);
    requestAnimationFrame(next);
  };
  next();
})"""


def trained(shared: Any, **values: Any) -> str:
    """A short run with three distillation terms, in this process."""
    short = {
        "training.steps": 8,
        "training.log_every": 2,
        "training.evaluate_every": 8,
        "training.threads": 1,
    }
    config = with_values(preset_config("three_signals"), {**short, "data.held_out": 20, **values})
    store = Store(shared.home)
    run: str = Manager(store, executor=Inline()).start(config, actor=None)
    store.close()
    return run


def switch(person: Person, name: str) -> None:
    person.page.locator(".k-loss-modes").get_by_role("button", name=re.compile(name)).click()


def test_shares_add_up_and_thousands_stay_smooth(visitor: Callable[..., Person], shared: Any) -> None:
    looked = trained(shared, **{"training.gradient_every": 2})
    person = visitor(locale="en-US")
    page = person.visit(f"?run={looked}")
    page.wait_for_function(f"{PLOT}.data?.length === 5")  # four terms, and the control's one
    switch(person, "share of the gradient")
    page.wait_for_function(f"{PLOT}.data?.every(trace => trace.stackgroup)")
    names, sums, steps = page.evaluate(
        f"""[{PLOT}.data.map(trace => trace.name),
          {PLOT}.data[0].y.map((_, i) => {PLOT}.data.reduce((sum, trace) => sum + trace.y[i], 0)), {PLOT}.data[0].x]"""
    )
    assert set(names) == {"task", "soft targets", "hint", "attention transfer"}
    assert sums == pytest.approx([100] * len(steps), abs=0.05)
    assert steps[-1] == 8
    panel = page.locator(".k-chart-panel", has=page.locator("#kdx-chart-losses"))
    expect(panel.locator(".k-note")).to_contain_text("How thick a band is")
    expect(panel.locator("#kdx-chart-losses")).to_have_attribute("aria-label", re.compile(r"task \d+ %"))
    expect(panel.get_by_role("button", name="log")).to_be_hidden()
    panel.locator("summary").click()
    expect(panel.locator("thead th").first).to_have_text("step")
    cells = panel.locator("tbody tr").first.locator("td").all_inner_texts()
    head = panel.locator("thead th").all_inner_texts()[1:]
    own = [float(cell) for name, cell in zip(head, cells, strict=True) if name.startswith("distilled")]
    assert sum(own) == pytest.approx(100, abs=0.05)
    with page.expect_download() as saved:
        panel.get_by_role("button", name="CSV").click()
    assert saved.value.suggested_filename == "gradient-shares.csv"
    switch(person, "adds to the sum")
    page.wait_for_function(f"{PLOT}.data?.length === 5 && !{PLOT}.data[0].stackgroup")
    panel.locator("summary").click()

    page.evaluate(LONG, 5_000)
    switch(person, "share of the gradient")
    page.wait_for_function(f"{PLOT}.data?.[0].x.length > 1000 && {PLOT}.data.length === 2")
    assert page.evaluate(f"{PLOT}.data[0].x.length") <= 1_700
    assert page.evaluate(SHIFT) < 400  # ms a move of the smoothing slider, on a machine that others share


def test_where_nobody_looked_it_says_what_to_change(visitor: Callable[..., Person], shared: Any) -> None:
    run = trained(shared, **{"training.gradient_every": 0, "training.steps": 2})
    person = visitor(locale="en-US")
    page = person.visit(f"?run={run}")
    page.wait_for_function(f"{PLOT}.data?.length === 5")
    switch(person, "share of the gradient")
    ghost = page.locator(".k-plot-frame", has=page.locator("#kdx-chart-losses")).locator(".k-ghost-text")
    expect(ghost).to_be_visible()
    expect(ghost).to_contain_text("“Gradient shares” is 0")
    expect(page.locator("#kdx-chart-losses")).to_be_hidden()
