"""The page in a real browser, over a real server and real workers, from a clean home."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from person import RUN, Person
from PIL import Image
from playwright.sync_api import Browser, expect

from kdexplorer.presets import presets

HOSTILE = "<img src=x onerror=window.hacked=1>"


@pytest.fixture
def visitor(browser: Browser, server: Any) -> Iterator[Callable[..., Person]]:
    """Makes people; each must leave without a complaint of the browser."""
    people: list[Person] = []

    def make(**options: Any) -> Person:
        people.append(Person(browser, server.url, **options))
        return people[-1]

    yield make
    for person in people:
        person.leave()


def config(preset: str = "digits_without_3", **training: Any) -> dict[str, Any]:
    """A preset with other training settings, as the form would hold it."""
    found: dict[str, Any] = json.loads(json.dumps(presets()[preset]["config"]))
    found["training"].update({"threads": 1, **training})
    return found


def long_run(**training: Any) -> dict[str, Any]:
    """A run that goes on for as long as a test may last."""
    return config(
        **{"steps": 20_000, "log_every": 5, "evaluate_every": 100, "checkpoint_every": 100, **training}
    )


def stop(person: Person) -> None:
    person.page.locator("[data-action=stop]").click()
    person.until("run.over")


def test_the_first_run_from_a_preset_to_its_verdict(visitor: Callable[..., Person]) -> None:
    me = visitor()
    page = me.visit()
    expect(page.locator(".k-welcome")).to_be_visible()
    page.get_by_role("button", name="Digits without the 3").click()
    page.locator("#kdx-distill").click()
    me.until("run.steps.length > 3 && run.evaluations.length > 1")  # the teacher comes with the second
    expect(page).to_have_url(re.compile(r"\?run=[0-9a-z-]+"))
    expect(page.locator(".k-verdict-words").first).to_contain_text("95 %")
    page.wait_for_function("document.getElementById('kdx-chart-losses').data?.[0].x.length > 3")
    names = "document.getElementById('kdx-chart-quality').data.map(trace => trace.name).join()"
    page.wait_for_function(f"{names} === 'distilled,control,teacher'")
    assert page.evaluate("document.getElementById('kdx-chart-quality').data[1].line.dash") == "dash"
    expect(page.locator(".k-case")).to_have_count(8)
    expect(page.locator(".k-bias-words")).to_contain_text("of the 3s it never saw")
    expect(page.locator(".k-attention-panel img").first).to_be_visible()
    page.locator(".k-bias input[type=range]").fill("6")
    expect(page.locator(".k-bias output")).to_have_text("+6.0")
    if page.evaluate(f"!{RUN}.over"):
        stop(me)
    expect(page.locator(".k-status").first).to_have_text(re.compile("stopped|finished"))


def test_zoom_survives_updates_and_knobs_leave_marks(visitor: Callable[..., Person]) -> None:
    me = visitor()
    page = me.visit()
    me.begin(long_run())
    me.until("run.steps.length > 2 && run.evaluations.length")
    page.wait_for_function("document.getElementById('kdx-chart-losses').data?.[0].x.length > 2")
    box = page.locator("#kdx-chart-losses .nsewdrag").bounding_box()
    assert box
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 240, box["y"] + 150, steps=5)
    page.mouse.up()
    zoomed = "(() => document.getElementById('kdx-chart-losses')._fullLayout.xaxis.range.map(Number))()"
    page.wait_for_function(f"{zoomed}[0] > 0")
    kept = page.evaluate(zoomed)
    lines = "[...document.querySelectorAll('#kdx-chart-losses .js-line')].map(line => line.getAttribute('d')).join()"
    drawn = page.evaluate(lines)
    points = page.evaluate("document.getElementById('kdx-chart-losses').data[0].x.length")
    page.wait_for_function(f"document.getElementById('kdx-chart-losses').data[0].x.length > {points + 2}")
    assert page.evaluate(zoomed) == kept
    assert page.evaluate(lines) != drawn

    knob = page.locator("[data-knob='distilled.soft_targets.temperature']")
    knob.locator("input.k-number").fill("3")
    knob.locator("input.k-number").press("Enter")
    expect(knob.locator(".k-knob-state")).to_contain_text("applied at step")
    page.wait_for_function(
        "document.getElementById('kdx-chart-losses').layout.annotations.some(mark => mark.text.includes('8 → 3'))"
    )
    assert page.evaluate(zoomed) == kept

    page.locator("[data-action=pause]").click()
    me.until("run.status === 'paused'")
    at = page.evaluate(f"{RUN}.row.step")
    page.locator("[data-action=step]").click()
    me.until(f"run.row.step === {at + 1} && run.status === 'paused'")
    page.locator("[data-action=extend]").click()
    me.until("run.row.steps > 20000")
    page.locator("[data-action=pause]").click()
    me.until("run.status === 'running'")
    stop(me)
    expect(page.locator(".k-status").first).to_have_text("stopped")


def test_a_refresh_and_a_second_tab_find_the_same_run(visitor: Callable[..., Person]) -> None:
    me = visitor()
    page = me.visit()
    run = me.begin({**long_run(), "name": "Found again"})
    me.until("run.steps.length > 2")
    page.reload()
    me.until(f"run.id === '{run}' && run.steps.length > 2 && run.mine")
    assert page.evaluate(f"{RUN}.steps[0]") == 1
    assert page.evaluate("window.kdx.form.config().name") == "Found again"
    second = me.context.new_page()
    second.goto(f"{me.url}?run={run}")
    second.wait_for_function(f"{RUN}?.steps.length > 2 && {RUN}.mine")
    second.locator("[data-action=stop]").click()
    me.until("run.over")
    second.close()


def test_others_watch_and_cannot_control(visitor: Callable[..., Person]) -> None:
    me, other = visitor(), visitor()
    me.visit()
    run = me.begin(long_run())
    me.until("run.steps.length > 1")
    page = other.visit(f"?run={run}")
    other.until("run.steps.length > 1")
    for action in ("pause", "step", "stop", "extend"):
        expect(page.locator(f"[data-action={action}]")).to_be_disabled()
    expect(page.locator(".k-why")).to_contain_text("Someone else")
    expect(page.locator(".k-knob input.k-number").first).to_be_disabled()
    answer = page.evaluate(
        """async run => {
          const panel = window.gradio_config.components.find(part => part.props.elem_id === 'kdx-live');
          const response = await fetch('gradio_api/component_server', {method: 'POST', headers: {'Content-Type': 'application/json'},
            body: JSON.stringify({session_hash: 'x', component_id: panel.id, fn_name: 'command',
              data: {run, token: 'f'.repeat(48), command: {kind: 'stop'}}})});
          return response.json();
        }""",
        run,
    )
    assert "someone else" in answer["error"].lower()
    assert me.page.evaluate(f"{RUN}.status") == "running"

    # A second start waits for its turn, says so, and can be called off.
    other.begin(long_run())
    other.until("run.status === 'queued'")
    expect(page.locator(".k-status").first).to_have_text("queued · no. 1")
    expect(page.locator("[data-action=stop]")).to_have_text("Cancel")
    stop(other)
    stop(me)


def test_what_is_wrong_is_said_beside_the_button(visitor: Callable[..., Person]) -> None:
    me = visitor()
    page = me.visit()
    page.locator("summary", has_text="Training").click()
    page.locator("input.k-number[data-name=batch_size]").fill("0")
    expect(page.locator(".k-field:has([data-name=batch_size]) .k-trouble")).to_contain_text("between")
    page.locator("#kdx-distill").click()
    expect(page.locator(".k-message.k-loud")).to_contain_text("Batch: between 1 and 1,024")
    assert page.evaluate(f"{RUN}") is None
    expect(page.locator("#kdx-distill")).to_be_enabled()


def test_the_pair_is_measured_as_it_is_chosen(visitor: Callable[..., Person]) -> None:
    page = visitor().visit()
    page.locator("[data-preset=digits_without_3]").click()
    expect(page.locator(".k-pair")).to_contain_text("× smaller", timeout=150_000)
    before = page.locator(".k-pair").inner_text()
    width = page.locator(".k-role-student input.k-number[data-name=width]")
    width.fill("16")
    width.press("Enter")
    expect(page.locator(".k-pair")).not_to_have_text(before)


def test_a_run_that_fails_says_why_in_its_place(visitor: Callable[..., Person]) -> None:
    me = visitor()
    page = me.visit()
    broken = config(steps=50)
    broken["teacher"] = {**broken["teacher"], "weights": "file:/nowhere/teacher.safetensors"}
    broken["name"] = HOSTILE
    me.begin(broken)
    me.until("run.status === 'failed'")
    expect(page.locator(".k-failure")).to_contain_text("/nowhere/teacher.safetensors")
    expect(page.locator(".k-run-name")).to_have_text(HOSTILE)
    page.get_by_role("tab", name="Compare").click()
    expect(page.locator(".k-open", has_text=HOSTILE)).to_be_visible()
    assert page.evaluate("window.hacked") is None


def test_the_history_opens_earlier_runs_and_deletes_them(visitor: Callable[..., Person]) -> None:
    me = visitor()
    page = me.visit()
    run = me.begin(
        {**config(steps=20, evaluate_every=10, log_every=5, checkpoint_every=10), "name": "Short one"}
    )
    me.until("run.status === 'finished'")
    page.get_by_role("tab", name="Compare").click()
    row = page.locator(f"tr[data-run='{run}']")
    expect(row.locator(".k-status")).to_have_text("finished")
    expect(row.locator(".k-verdict-cell")).to_contain_text("95 %")
    page.goto(me.url)
    page.get_by_role("tab", name="Compare").click()
    page.locator(f"tr[data-run='{run}'] .k-open").click()
    me.until(f"run.id === '{run}' && run.steps.at(-1) === 20")
    expect(page.locator(".k-run-name")).to_have_text("Short one")

    # while the checkpoints are looked for there is nothing to fork from
    assert page.evaluate(
        "document.querySelector('[data-action=fork]').click() ?? document.querySelector('.k-dialog[open] .k-strong').disabled"
    )
    page.locator(".k-dialog .k-strong").click()
    me.until(f"run.id !== '{run}' && run.row.parent === '{run}' && run.over")
    page.get_by_role("tab", name="Compare").click()
    for _ in range(2):
        row.locator(".k-delete").click()
    expect(row).to_have_count(0)


def test_a_run_that_is_gone_is_said_to_be_gone(visitor: Callable[..., Person]) -> None:
    me = visitor()
    page = me.visit("?run=aaaaaaaa")
    expect(page.locator(".k-welcome")).to_contain_text("cannot be shown")
    page.goto(f"{me.url}?run=%3Cscript%3E")
    expect(page.locator(".k-welcome")).to_contain_text("is no run’s id")


def test_presets_go_through_the_form_unchanged(visitor: Callable[..., Person]) -> None:
    page = visitor().visit()
    page.locator(".k-preset-fold > summary").click()
    for preset in presets().values():
        if preset["hidden"]:
            continue
        page.locator(f"[data-preset={preset['id']}]").click()
        assert page.evaluate("window.kdx.form.config()") == preset["config"]
        cards = "[...document.querySelectorAll('#kdx-form .k-card input.k-switch:enabled')]"
        for name in page.evaluate(f"{cards}.map(box => box.dataset.name)"):
            for _ in range(2):  # a card moves when it is switched, into a fold that may be closed
                page.evaluate(f"name => {cards}.find(box => box.dataset.name === name)?.click()", name)
        changed = page.evaluate("window.kdx.form.config()")
        kept = ("training", "teacher", "student", "task", "control", "parent")
        assert {name: changed[name] for name in kept} == {name: preset["config"][name] for name in kept}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_everything_without_scrolling_sideways(
    visitor: Callable[..., Person], scheme: str
) -> None:
    me = visitor(viewport={"width": 390, "height": 844}, color_scheme=scheme, has_touch=True, is_mobile=True)
    page = me.visit()
    assert page.evaluate("document.documentElement.classList.contains('kdx-dark')") == (scheme == "dark")
    me.begin(
        {**config(steps=20, evaluate_every=10, log_every=5), "name": "On the way, with a name that is long"}
    )
    me.until("run.status === 'finished' && run.previews.length")
    page.locator(".k-case").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".k-plot svg.main-svg").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_keyboard_alone_is_enough(visitor: Callable[..., Person]) -> None:
    me = visitor()
    page = me.visit()
    chip = page.locator("[data-preset=digits_without_3]")
    chip.focus()
    page.keyboard.press("Enter")
    expect(chip).to_have_attribute("aria-pressed", "true")
    expect(chip).to_be_focused()
    page.locator("#kdx-form input[type=range][data-name=temperature]").focus()
    before = page.evaluate("window.kdx.form.config().variants[0].terms[0].params.temperature")
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    assert page.evaluate("window.kdx.form.config().variants[0].terms[0].params.temperature") > before
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll('#kdx-form input, #kdx-form select, #kdx-form button, #kdx-live button, #kdx-live input')]
          .filter(node => !(node.labels?.length || node.getAttribute('aria-label') || node.textContent.trim())).map(node => node.outerHTML)"""
    )
    assert unnamed == []


def test_a_server_that_comes_back_is_found_again(browser: Browser, serve: Callable[[], Any]) -> None:
    server = serve()
    me = Person(browser, server.url)
    page = me.visit()
    run = me.begin(long_run())
    me.until("run.steps.length > 1")
    server.stop()
    expect(page.locator(".k-lost")).to_be_visible()
    seen = page.evaluate(f"{RUN}.row.step")
    server.start()
    me.until(f"run.id === '{run}' && run.row.step > {seen}")  # the worker went on without the server
    expect(page.locator(".k-lost")).to_be_hidden()
    stop(me)
    me.context.close()


def test_photos_are_sent_checked_and_trained_on(visitor: Callable[..., Person], tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    photos = []
    for name in ("one.png", "two.png"):
        Image.fromarray(generator.integers(0, 255, (96, 128, 3), np.uint8)).save(tmp_path / name)
        photos.append(tmp_path / name)
    (tmp_path / "broken.png").write_text("no image")
    me = visitor()
    page = me.visit()
    settings = config("denoise", steps=4, batch_size=2, evaluate_every=2, log_every=1)
    settings["data"].update(source={"id": "uploads", "params": {}}, patch=16, held_out=2, held_out_crop=32)
    page.evaluate("config => window.kdx.form.load(config)", settings)
    chooser = page.locator(".k-upload input[type=file]").first
    chooser.set_input_files([*photos, tmp_path / "broken.png"])
    expect(page.locator(".k-upload .k-trouble").first).to_contain_text("no image that can be read")
    expect(page.locator(".k-files li")).to_have_count(2)
    begun = me.begin(page.evaluate("window.kdx.form.config()"))
    me.until(f"run.id === '{begun}' && run.over")
    assert page.evaluate(f"{RUN}.status") == "finished"
    expect(page.locator(".k-picture[data-role=target] img")).to_be_visible()
