"""The history and the Compare tab in a real browser, over runs written straight into the store."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from kdexplorer.config import RunConfig, with_values
from kdexplorer.events import (
    CostMeasured,
    Evaluated,
    Event,
    NetworkCost,
    RunFinished,
    RunQueued,
    RunStarted,
    StepLogged,
    TermValue,
    Verdict,
)
from kdexplorer.presets import preset_config
from kdexplorer.runs.keywords import keywords
from kdexplorer.runs.log import append_events
from kdexplorer.runs.store import Store

HOSTILE = "<img src=x onerror=window.hacked=1>"
PSNR = {
    "id": "psnr",
    "title": "PSNR",
    "unit": "dB",
    "digits": 2,
    "higher_is_better": True,
    "convention": "RGB",
}
ACCURACY = {"id": "accuracy", "title": "Accuracy", "unit": "%", "digits": 1, "higher_is_better": True, "convention": "top-1"}  # fmt: skip
BOX = ".k-past tbody input[type=checkbox]"


def log(metric: dict[str, Any], difference: float | dict[str, float]) -> list[Event]:
    """What a run of 40 steps tells, with this difference to its control at the end, or these of its variants."""
    gains = difference if isinstance(difference, dict) else {"distilled": difference}
    started = RunStarted.model_validate(
        {"steps": 40, "device": "cpu", "threads": 1, "torch": "", "metrics": (metric,),
         "teacher": {"model": "m", "parameters": 900}, "student": {"model": "m", "parameters": 90},
         "variants": (*gains, "control")}
    )  # fmt: skip
    events: list[Event] = [RunQueued(), started]
    for step in (0, 20, 40):
        now, name = {variant: gain * step / 40 for variant, gain in gains.items()}, metric["id"]
        verdicts = tuple(
            Verdict(
                metric=name, variant=variant, value=30 + gain, control=30.0, difference=gain, low=gain - 0.1,
                high=gain + 0.1, better=9, worse=3, total=12, sentence=f"{variant} {gain:+.2f}.",
            )
            for variant, gain in now.items()
        )  # fmt: skip
        scores = {variant: {name: 30 + gain} for variant, gain in now.items()} | {"control": {name: 30.0}}
        losses = {which: {"task": TermValue(value=1.0, weight=1.0)} for which in scores}
        events += [
            StepLogged(step=step, learning_rate=0.1, steps_per_second=9.0, losses=losses),
            Evaluated(step=step, variants=scores, teacher={name: 33.0}, verdicts=verdicts),
        ]
    teacher = NetworkCost(parameters=900, multiply_adds=9000, latency_ms=4.0)
    student = NetworkCost(parameters=90, multiply_adds=900, latency_ms=1.5)
    cost = CostMeasured(step=40, networks={"teacher": teacher, "student": student})
    return [*events, cost, RunFinished(step=40, reason="completed", seconds=4.0)]


def write(store: Store, run_id: str, config: RunConfig, events: list[Event], batch: str = "") -> None:
    """A finished run; nobody ever sees it wait."""
    values = config.model_dump(mode="json")
    store.folder(run_id).mkdir()
    with store.database.writing() as connection:
        number = connection.execute("SELECT COUNT(*) FROM runs").fetchone()[0]
        connection.execute(
            "INSERT INTO runs (id, name, status, owner, config, created, steps, batch, keywords)"
            " VALUES (?, ?, 'running', '', ?, ?, ?, ?, ?)",
            (run_id, config.name, config.to_json(), 1e9 + number, 40, batch, keywords(values)),
        )
        append_events(connection, run_id, events)


@pytest.fixture(scope="module")
def history(server: Any) -> Any:
    """A history, oldest first: one classification, three seeds, one more, and one to write on."""
    store = Store(server.home)
    denoise = preset_config("denoise")
    write(store, "shapes00", with_values(preset_config("shapes"), {"name": "Shapes"}), log(ACCURACY, 3.0))
    for seed, gain in enumerate((0.1, 0.2, 0.3)):
        config = with_values(denoise, {"name": "Three seeds", "training.seed": seed})
        write(store, f"seed000{seed}", config, log(PSNR, gain), batch="batch0")
    wider = with_values(denoise, {"name": "Wider", "student.params.width": 24})
    write(store, "wider000", wider, log(PSNR, -0.4))
    write(store, "scratch0", with_values(denoise, {"name": "Scratch"}), log(PSNR, 0.0))
    values = denoise.model_dump(mode="json")
    (only,) = values["variants"]
    values["variants"] = [
        {**only, "name": "w1", "task_weight": 0.5},
        {**only, "name": "w8", "task_weight": 4.0},
    ]
    for seed in range(2):
        config = with_values(RunConfig.from_dict(values), {"name": "Sweep", "training.seed": seed})
        write(
            store, f"sweep00{seed}", config, log(PSNR, {"w1": 0.1 + seed, "w8": 3.0 + seed}), batch="batch1"
        )
    store.close()
    return server


@pytest.fixture
def visit(browser: Browser, history: Any) -> Iterator[Callable[..., Page]]:
    """Opens the Compare tab by the header's menu; complaints of the browser fail the test."""
    complaints: list[str] = []

    def go(**options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 1000}, **options})
        page = context.new_page()
        page.set_default_timeout(90_000)
        page.on("console", lambda m: m.type == "error" and complaints.append(m.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(history.url)
        page.locator(".k-topmenu-button").first.click()
        page.locator(".k-topmenu-all").click()
        page.locator(".k-past tbody tr").first.wait_for()
        return page

    yield go
    for context in browser.contexts:
        context.close()
    assert not complaints


def box(page: Page, run: str) -> Any:
    return page.locator(f"tr[data-run={run}] input[type=checkbox]")


def test_chosen_runs_are_laid_side_by_side(visit: Callable[..., Page], tmp_path: Path) -> None:
    page = visit()
    expect(page.locator(".k-chosen")).to_contain_text("Tick two or more runs")
    box(page, "wider000").click()
    box(page, "seed0000").click(modifiers=["Shift"])
    expect(page.locator(".k-chosen-run")).to_have_count(4)
    curves = "document.getElementById('kdx-chart-compare-curves').data"
    page.wait_for_function(
        f"{curves}?.length === 10"
    )  # the teacher, one run, three seeds with mean and band, two controls
    lines = page.evaluate(
        f"{curves}.filter(trace => trace.showlegend).map(trace => [trace.name, trace.line.color])"
    )
    assert [name for name, _ in lines] == ["teacher", "Wider", "Three seeds (3 seeds)", "control"]
    students = {color for _, color in lines[1:3]}
    assert len(students) == 2
    assert not students & {"#0072B2", "#D55E00", "#808890", "#009E73"}

    expect(page.locator(".k-seed-words")).to_contain_text(
        "Three seeds, mean of 3 seeds (distilled): +0.20 dB"
    )
    expect(page.locator(".k-seed-words")).to_contain_text("−0.05 … +0.45: no clear difference")
    forest = page.evaluate("document.getElementById('kdx-chart-compare-forest').layout.yaxis.ticktext")
    assert [label.split(",")[0] for label in forest] == [
        "<b>Three seeds", "Three seeds · seed 2", "Three seeds · seed 1", "Three seeds · seed 0", "Wider",
    ]  # fmt: skip
    rows = page.locator(".k-differences tbody th")
    expect(rows).to_have_text(["Student · Width", "Seed"])
    expect(page.locator(".k-differences td.k-differs")).to_have_text(["12", "12", "12", "2", "1"])
    page.get_by_role("button", name="Equal too").click()
    page.wait_for_function("document.querySelectorAll('.k-differences tbody th').length > 20")

    page.locator("select[aria-label=Cost]").select_option("latency_ms")
    points = (
        "document.getElementById('kdx-chart-compare-price').data.map(trace => [trace.name, trace.x.length])"
    )
    assert page.evaluate(points) == [
        ["front", 2], ["control", 1], ["teacher", 1], ["Wider", 1], ["Three seeds (3 seeds)", 3],
    ]  # fmt: skip

    page.locator("#kdx-chart-compare-parallel").scroll_into_view_if_needed()
    axes = (
        "document.getElementById('kdx-chart-compare-parallel').data?.[0]?.dimensions.map(axis => axis.label)"
    )
    page.wait_for_function(f"{axes}?.length === 3")
    assert page.evaluate(axes) == ["Student · Width", "Seed", "Δ PSNR (dB)"]

    with page.expect_download() as saved:
        page.get_by_role("button", name="Results CSV").click()
    saved.value.save_as(tmp_path / "results.csv")
    table = list(csv.DictReader((tmp_path / "results.csv").read_text(encoding="utf-8").splitlines()))
    wider = next(row for row in table if (row["run"], row["network"]) == ("wider000", "distilled"))
    assert (float(wider["difference"]), wider["latency_ms"], wider["convention"]) == (-0.4, "1.5", "RGB")


def test_variants_of_seeds_are_told_apart_and_keep_their_own_results(visit: Callable[..., Page]) -> None:
    page = visit()
    expect(page.locator("tr[data-run=sweep001] .k-past-verdict")).to_contain_text(
        "w8 · better on these 12 images"
    )
    expect(page.locator("tr[data-run=sweep001] .k-past-verdict")).to_contain_text("one of 2 seeds")
    box(page, "sweep000").click()
    box(page, "sweep001").click()
    curves = "document.getElementById('kdx-chart-compare-curves').data"
    page.wait_for_function(f"{curves}?.length > 9")
    lines = page.evaluate(
        f"{curves}.filter(trace => trace.showlegend).map(trace => [trace.name, trace.line.color])"
    )
    assert [name for name, _ in lines] == [
        "teacher",
        "Sweep (2 seeds) · w1",
        "Sweep (2 seeds) · w8",
        "control",
    ]
    assert len({color for _, color in lines}) == 4
    mean = page.evaluate(
        f"{curves}.find(trace => trace.name === 'Sweep (2 seeds) · w8' && trace.showlegend).y"
    )
    assert mean == pytest.approx([30, 31.75, 33.5])
    forest = page.evaluate("document.getElementById('kdx-chart-compare-forest').layout.yaxis.ticktext")
    assert forest[0] == "<b>Sweep · w8, mean of 2 seeds</b>"
    assert forest[3] == "<b>Sweep · w1, mean of 2 seeds</b>"
    page.locator("#kdx-chart-compare-parallel").scroll_into_view_if_needed()
    axes = "document.getElementById('kdx-chart-compare-parallel').data?.[0]?.dimensions"
    page.wait_for_function(f"{axes}?.length === 3")
    found = page.evaluate(f"Object.fromEntries({axes}.map(axis => [axis.label, axis.values]))")
    gains = sorted(zip(found["Label weight"], found["Δ PSNR (dB)"], strict=True))
    assert gains == [(0.5, pytest.approx(0.1)), (0.5, pytest.approx(1.1)), (4, 3), (4, 4)]


def test_students_that_can_teach_are_told_apart(visit: Callable[..., Page]) -> None:
    page = visit()
    page.locator("tr[data-run=sweep001] .k-open").click()
    teach = page.locator("[data-action=teach]")
    expect(teach).to_have_text("Teach with w8")
    students = page.locator("#kdx-form select[data-name=teacher] option", has_text="Sweep · ")
    expect(students.first).to_contain_text("Sweep · w8 · PSNR 34.00 dB · 40 steps · seed 1")
    expect(students).to_have_count(4)
    teach.click()
    chosen = page.locator("#kdx-form select[data-name=teacher]")
    expect(chosen).to_have_value("run:sweep001/w8")


def test_runs_that_are_measured_differently_share_no_axis(visit: Callable[..., Page]) -> None:
    page = visit()
    box(page, "wider000").click()
    box(page, "shapes00").click()
    expect(page.locator(".k-warning")).to_contain_text("measured differently")
    names = "(document.getElementById('kdx-chart-compare-curves').data ?? []).map(trace => trace.name).join()"
    for kind, run in (("PSNR (dB)", "Wider"), ("Accuracy (%)", "Shapes")):
        page.locator(".k-measures button", has_text=kind).click()
        page.wait_for_function(f"{names} === 'teacher,{run},control'")
        forest = page.evaluate("document.getElementById('kdx-chart-compare-forest').layout.yaxis.ticktext")
        assert forest == [run]


def test_name_tags_and_note_are_written_in_place(visit: Callable[..., Page], server: Any) -> None:
    page = visit()
    row = page.locator("tr[data-run=scratch0]")
    row.locator(".k-edit").click()
    page.locator(".k-past-form input[name=name]").fill(HOSTILE)
    page.locator(".k-past-form input[name=tags]").fill("for the wall, x")
    page.locator(".k-past-form textarea").fill("=1+1 is a note")
    page.locator(".k-past-form input[name=name]").press("Enter")
    expect(row.locator(".k-open")).to_have_text(HOSTILE)
    expect(row.locator(".k-tag")).to_have_text(["for the wall", "x"])
    page.locator(".k-search").fill("wall denoise psnr")
    expect(page.locator(".k-past .k-ghost-text")).to_contain_text("No run fits")
    page.locator(".k-search").fill("WALL dncnn")
    expect(page.locator(".k-past tbody tr")).to_have_count(1)
    expect(row.locator(".k-remark")).to_have_text("=1+1 is a note")
    box(page, "scratch0").click()
    expect(page.locator(".k-chosen-run")).to_contain_text("img src=x")
    assert page.evaluate("window.hacked") is None
    row.locator(".k-delete").click()
    expect(row.locator(".k-delete")).to_have_text("Sure?")
    row.locator(".k-delete").click()
    expect(row).to_have_count(0)
    expect(page.locator(".k-chosen-run")).to_have_count(0)
    assert not Store(server.home).folder("scratch0").exists()


def test_the_keyboard_chooses_runs_and_walks_the_menu(visit: Callable[..., Page]) -> None:
    page = visit()
    box(page, "seed0002").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.locator(".k-chosen-run")).to_have_count(3)
    expect(box(page, "seed0000")).to_be_focused()
    menu = page.locator(".k-topmenu-button").first
    menu.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".k-topmenu-item[data-run]").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    expect(menu).to_have_attribute("aria-expanded", "false")
    page.locator("tr[data-run=wider000] .k-open").press("Enter")
    page.wait_for_function("window.kdx.live.run()?.id === 'wider000'")
    expect(page.locator(".k-run-name")).to_have_text("Wider")


def test_a_phone_in_the_dark_and_in_chinese(visit: Callable[..., Page]) -> None:
    page = visit(
        viewport={"width": 390, "height": 844},
        color_scheme="dark",
        locale="zh-CN",
        has_touch=True,
        is_mobile=True,
    )
    for run in ("wider000", "seed0001"):
        box(page, run).tap()
    page.wait_for_function("document.getElementById('kdx-chart-compare-curves').data?.length > 3")
    expect(page.locator(".k-compare-bar h2")).to_have_text("所选运行")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    keys = page.evaluate(
        "document.getElementById('kdx-compare').innerText.match(/\\b(compare|history)\\.[a-z]+/gi)"
    )
    assert keys is None
