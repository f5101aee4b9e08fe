"""The form in a real browser: variants, sweeps, their ranking, links, drafts, what a link hides, what a run costs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from kdexplorer.presets import preset_config

PATIENCE = 120_000  # ms: two cores, shared with training
CONFIG = "window.kdx.form.config()"
SMALL = {"steps": 4, "batch_size": 4, "evaluate_every": 2, "log_every": 1, "threads": 1}


@pytest.fixture
def visit(browser: Browser, server: Any) -> Iterator[Callable[..., Page]]:
    """Opens pages in contexts of their own; each must end without a complaint of the browser."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def begin(query: str = "", **options: Any) -> Page:
        context = browser.new_context(
            **{"viewport": {"width": 1440, "height": 900}, "locale": "en-US", **options}
        )
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(server.url + query)
        wait(page)
        return page

    yield begin
    for context in contexts:
        context.close()
    assert not complaints


def wait(page: Page) -> None:
    page.locator("#kdx-distill").wait_for()
    page.locator(".k-live").wait_for()


def named(page: Page, name: str) -> Any:
    return page.locator(f"#kdx-form [data-name='{name}'], .k-dialog [data-name='{name}']")


def copied(page: Page, what: str) -> str:
    expect(page.locator(".k-sharing > summary")).to_have_text("Share")
    page.locator(".k-sharing > summary").click()
    named(page, f"share.{what}").click()
    expect(page.locator(".k-sharing > summary")).to_have_text("Copied")
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_a_sweep_is_ranked_and_its_best_student_teaches(visit: Callable[..., Page]) -> None:
    page = visit()
    small = preset_config("digits_without_3").model_dump(mode="json")
    small["data"]["held_out"] = 40
    small["training"].update(SMALL)
    page.evaluate("config => window.kdx.form.load(config)", small)

    named(page, "variants.add").click()
    named(page, "variant.name").fill("control")
    expect(page.locator(".k-variant-block .k-trouble").first).to_have_text("another one has this name")
    named(page, "variant.name").fill("cold")
    knob = page.locator(".k-card input.k-number[data-name=temperature]")
    knob.fill("1")
    knob.press("Tab")
    expect(page.locator(".k-variant small")).to_have_text(["Temperature 8", "Temperature 1"])

    named(page, "variants.sweep").click()
    named(page, "sweep.values").fill("1, 2, 4, 8, 16, 20, 3, 5, 6")
    expect(page.locator(".k-sweep-preview")).to_have_text("At most 8 variants here.")
    named(page, "sweep.from").fill("2")
    named(page, "sweep.to").fill("18")
    named(page, "sweep.count").fill("3")
    expect(page.locator(".k-sweep-preview")).to_have_text("→ t2 · t6 · t18")
    named(page, "sweep.go").click()
    expect(named(page, "sweep.go")).to_have_text("Replace the 2 that are there?")
    named(page, "sweep.go").click()
    expect(page.locator(".k-variant b")).to_have_text(["t2", "t6", "t18"])
    swept = page.evaluate(
        f"{CONFIG}.variants.map(v => [v.name, v.task_weight, v.terms[0].params.temperature])"
    )
    assert swept == [["t2", 0, 2], ["t6", 0, 6], ["t18", 0, 18]]

    page.locator("#kdx-distill").click()
    rows = page.locator(".k-ranking tbody tr")
    expect(rows).to_have_count(3)
    expect(page.locator(".k-verdict-words")).to_contain_text("variant")
    shown = page.evaluate(
        "[...document.querySelectorAll('.k-ranking tbody tr')].map(row => row.dataset.variant)"
    )
    last = "window.kdx.live.run().evaluations.findLast(found => found.verdicts?.length).verdicts"
    page.wait_for_function("window.kdx.live.run().over")
    page.wait_for_function("document.querySelector('.k-verdict-words').textContent.includes('at step 4')")
    best = page.evaluate(f"[...{last}].sort((a, b) => b.difference - a.difference).map(v => v.variant)")
    shown = page.evaluate(
        "[...document.querySelectorAll('.k-ranking tbody tr')].map(row => row.dataset.variant)"
    )
    assert shown == best
    page.locator(".k-knob-tabs button", has_text="t18").click()
    expect(page.locator("[data-knob='t18.soft_targets.temperature']")).to_be_visible()
    expect(page.locator("[data-knob='t2.soft_targets.temperature']")).to_be_hidden()

    page.locator("[data-action=teach]").click()
    run = page.evaluate("window.kdx.live.run().id")
    weights = f"{CONFIG}.teacher.weights"
    assert page.evaluate(weights) == f"run:{run}/{best[0]}"
    expect(named(page, "teacher")).to_have_value(f"run:{run}/{best[0]}")
    page.reload()
    wait(page)
    assert page.evaluate(weights) == f"run:{run}/{best[0]}"
    page.locator(".k-language[lang=zh]").click()
    expect(page.locator(".k-variant-block .k-minis")).to_contain_text("变体")
    assert page.evaluate(weights) == f"run:{run}/{best[0]}"


def test_settings_travel_by_link_command_and_file(visit: Callable[..., Page]) -> None:
    mine = visit()
    mine.locator("[data-preset=digits_without_3]").click()
    mine.locator("summary", has_text="Training").click()
    named(mine, "name").fill("<b>Shared</b>")
    named(mine, "seeds").nth(1).check()
    expect(mine.locator("#kdx-distill")).to_have_text("Distill · 3 seeds")
    link = copied(mine, "link")
    config = mine.evaluate(CONFIG)
    assert copied(mine, "command") == "kdexplorer fit --preset digits_without_3 --set 'name=<b>Shared</b>'"
    assert "RunConfig.from_dict" in copied(mine, "python")

    other = visit(link[link.index("?") :])
    other.wait_for_function(f"{CONFIG}.name === '<b>Shared</b>'")
    assert other.evaluate(CONFIG) == config
    expect(other.locator("#kdx-distill")).to_have_text("Distill · 3 seeds")
    assert "config=" in other.url
    other.locator("[data-preset=denoise]").click()
    assert "config=" not in other.url

    other.evaluate(
        """text => document.body.dispatchEvent(new ClipboardEvent('paste', {bubbles: true, cancelable: true,
             clipboardData: (data => (data.setData('text/plain', text), data))(new DataTransfer())}))""",
        json.dumps({**config, "name": "Pasted"}),
    )
    other.wait_for_function(f"{CONFIG}.name === 'Pasted'")
    chooser = other.locator(".k-sharing input[type=file]")
    chooser.set_input_files(
        {"name": "config.json", "mimeType": "application/json", "buffer": b'{"student": 3}'}
    )
    expect(other.locator(".k-message.k-loud")).to_contain_text("student")
    assert other.evaluate(f"{CONFIG}.name") == "Pasted"


@pytest.mark.parametrize("code", ["AAAA", "x" * 30_000, "%3Cimg%20src=x%20onerror=window.hacked=1%3E"])
def test_a_hostile_link_changes_nothing(visit: Callable[..., Page], code: str) -> None:
    page = visit(f"?config={code}")
    expect(page.locator(".k-message.k-loud")).to_contain_text(re.compile("link"))
    assert page.evaluate(CONFIG) == preset_config("denoise").model_dump(mode="json")
    assert page.evaluate("window.hacked") is None


def test_a_link_hides_settings_and_help_needs_no_pointer(visit: Callable[..., Page]) -> None:
    page = visit("?hide=data,learning_rate,response,nothing", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)  # fmt: skip
    for group in ("networks", "distillation", "training"):
        page.locator(f"[data-group={group}] > summary").click()
    expect(page.locator("[data-group=data]")).to_be_hidden()
    expect(page.locator("#kdx-form input.k-number[data-name=learning_rate]")).to_be_hidden()
    expect(page.locator("#kdx-form input.k-number[data-name=batch_size]")).to_be_visible()
    expect(named(page, "response")).to_be_hidden()
    ask = page.locator("#kdx-form .k-field:has([data-name=batch_size]) .k-ask")
    ask.tap()
    expect(page.get_by_role("tooltip", name="Images a step.")).to_have_css("opacity", "1")
    named(page, "hide.showAll").tap()
    expect(page.locator("#kdx-form input.k-number[data-name=learning_rate]")).to_be_visible()
    width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1]
    unhelped = page.evaluate(
        """[...document.querySelectorAll('#kdx-form .k-field')].filter(node => !node.querySelector('.k-help')?.textContent)
             .map(node => node.textContent)"""
    )
    assert unhelped == []


def test_the_share_menu_makes_a_link_that_hides(visit: Callable[..., Page]) -> None:
    page = visit()
    page.locator(".k-sharing > summary").click()
    named(page, "share.hide").click()
    dialog = page.locator("dialog.k-hide")
    copy = dialog.get_by_role("button", name="Copy link")
    expect(copy).to_be_disabled()
    dialog.locator("input[value=data]").check()
    dialog.locator("summary", has_text="Single settings").nth(3).click()
    dialog.locator("input[value=learning_rate]").check()
    expect(dialog.get_by_role("status")).to_have_text("Hidden: 2")
    copy.click()
    expect(page.locator(".k-sharing > summary")).to_have_text("Copied")
    link = page.evaluate("navigator.clipboard.readText()")
    page.goto(link)
    wait(page)
    expect(page.locator("[data-group=data]")).to_be_hidden()
    page.locator("summary", has_text="Training").click()
    expect(page.locator("#kdx-form input.k-number[data-name=learning_rate]")).to_be_hidden()
    expect(page.locator("#kdx-form input.k-number[data-name=batch_size]")).to_be_visible()


def test_the_cost_is_there_before_the_start(visit: Callable[..., Page]) -> None:
    page = visit()
    page.locator("[data-preset=digits_without_3]").click()
    cost = page.locator(".k-cost")
    expect(cost).to_have_text(re.compile(r"^≈ \d.*(s|min) · \d+ MB"))
    height = cost.bounding_box()
    page.locator("summary", has_text="Training").click()
    page.locator("#kdx-form input.k-number[data-name=steps]").fill("0")
    expect(cost).to_contain_text("before this change")
    assert height == cost.bounding_box()
