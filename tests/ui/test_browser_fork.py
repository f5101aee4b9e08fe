"""Forking in a real browser: a press on the curve, one branching curve, the family's tree; and nothing jumps."""

from __future__ import annotations

from typing import Any

from person import RUN, Person
from playwright.sync_api import expect

from kdexplorer.presets import preset_config

PLACE = """step => {
  const plot = document.getElementById('kdx-chart-quality'), { _fullLayout: { xaxis, yaxis } } = plot;
  const curve = plot.data.find(found => found.name === 'distilled'), box = plot.getBoundingClientRect();
  const at = [...curve.x].indexOf(step);
  return { x: box.left + xaxis._offset + xaxis.l2p(step), y: box.top + yaxis._offset + yaxis.l2p(curve.y[at]) };
}"""
JUMPS = """() => {
  window.jumps = [];
  new PerformanceObserver(list => list.getEntries().forEach(entry => entry.hadRecentInput || window.jumps.push(
    [entry.value, entry.sources.map(source => source.node?.className || source.node?.parentElement?.className)])))
    .observe({ type: 'layout-shift' });
}"""


def digits(**training: Any) -> dict[str, Any]:
    found: dict[str, Any] = preset_config("digits_without_3").model_dump(mode="json")
    found["name"] = "Digits"  # runs of this server are read by other tests too
    found["training"].update({"threads": 1, "log_every": 5, **training})
    return found


def test_a_press_on_the_curve_forks_there(visitor: Any) -> None:
    person: Person = visitor()
    page = person.visit()
    parent = person.begin(digits(steps=60, evaluate_every=20, checkpoint_every=20))
    person.until("run.over")
    page.wait_for_function(f"({PLACE})(20).y > 0")
    page.locator("#kdx-chart-quality").scroll_into_view_if_needed()
    place = page.evaluate(PLACE, 20)
    page.mouse.move(place["x"], place["y"])
    page.mouse.click(place["x"], place["y"])
    dialog = page.locator("dialog[open]")
    expect(dialog.locator("[data-name='fork.step']:checked")).to_have_value("20")
    temperature = dialog.locator("input.k-number[data-name$=temperature]")
    temperature.fill("2")
    temperature.press("Tab")
    dialog.get_by_role("button", name="Fork").click()
    page.wait_for_function(f"parent => {RUN} && {RUN}.id !== parent", arg=parent)
    person.until("run.over")
    config = page.evaluate(f"{RUN}.config")
    assert config["parent"] == {"run": parent, "step": 20}
    assert config["variants"][0]["terms"][0]["params"]["temperature"] == 2
    tree = page.locator(".k-family-run")
    expect(tree).to_have_count(2)
    expect(tree.nth(1)).to_have_attribute("aria-current", "true")
    # the parent's curve is drawn up to the fork and beyond it, behind the child's
    page.wait_for_function(
        "document.getElementById('kdx-chart-quality').data.filter(line => line.opacity < 0.6 && line.x.includes(60)).length > 0"
    )
    # its own line begins where it left the parent; what became of the parent is dotted and in the legend
    page.wait_for_function(
        "document.getElementById('kdx-chart-quality').data.find(line => line.name === 'distilled').x[0] === 20"
    )
    page.wait_for_function(
        "document.getElementById('kdx-chart-quality').data.some(line => line.showlegend && line.line.dash === 'dot'"
        " && line.name.endsWith('went on') && line.x[0] === 20)"
    )
    page.wait_for_function(
        "document.getElementById('kdx-chart-losses').data.some(line => line.opacity < 0.6 && line.x.at(-1) <= 20)"
    )
    tree.first.click()
    page.wait_for_function(f"parent => {RUN}?.id === parent", arg=parent)


def test_nothing_jumps_while_values_update(visitor: Any) -> None:
    person: Person = visitor()
    page = person.visit()
    person.begin(digits(steps=160, evaluate_every=40, checkpoint_every=80))
    person.until("run.evaluations.length > 1")
    page.wait_for_timeout(1500)
    page.evaluate(JUMPS)
    person.until("run.over")
    jumps = page.evaluate("window.jumps")
    assert sum(value for value, _ in jumps) < 0.02, jumps
