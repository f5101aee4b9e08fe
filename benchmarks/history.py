"""A long history in figures: 1,000 runs of 5,000 points, against an empty home.

    uv run benchmarks/history.py                # makes the home (about a minute, 2 GB) in a temporary folder
    uv run benchmarks/history.py --home FOLDER  # makes it there, or takes the one that is there
    uv run benchmarks/history.py --runs 100

1. open: from the address to the form, and from the press on *Compare* to the last of the first runs, in a browser.
2. poll: the cost of a poll at a log's end ÷ at its beginning; and of all that is there at once.
3. choose: from the last of 20 boxes to their curves.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from page import ARGS, app, chrome
from playwright.sync_api import Browser, Page, sync_playwright

from kdexplorer.config import RunConfig, with_values
from kdexplorer.events import (
    CheckpointSaved,
    CostMeasured,
    Evaluated,
    Event,
    NetworkCost,
    PreviewReady,
    RunFinished,
    RunQueued,
    RunStarted,
    StepLogged,
    TermValue,
    Verdict,
)
from kdexplorer.presets import preset_config
from kdexplorer.runs.keywords import keywords
from kdexplorer.runs.store import Store
from kdexplorer.ui.endpoints import Endpoints

TEMPLATES = 8  # different logs; every run has one of them
EVALUATE_EVERY = 50
TOKEN = "0" * 48
METRIC = {
    "id": "psnr", "title": "PSNR", "unit": "dB", "digits": 2, "higher_is_better": True,
    "convention": "PSNR on RGB, no shave, 8-bit rounded, averaged over images",
}  # fmt: skip


def events(points: int, seed: int) -> Iterator[Event]:
    """A run's log: a point of the losses a step, an evaluation every 50, checkpoints, previews, the cost."""
    draw = random.Random(seed)
    gain = draw.gauss(0.05, 0.1)
    yield RunQueued()
    yield RunStarted.model_validate(
        {"steps": points, "device": "cpu", "threads": 2, "torch": "2", "variants": ("distilled", "control"),
         "teacher": {"model": "ffdnet", "parameters": 235_000, "weights": "bundled:denoise"},
         "student": {"model": "dncnn", "parameters": 4_590}, "metrics": (METRIC,)}
    )  # fmt: skip
    for step in range(1, points + 1):
        loss = 0.02 + 0.2 * math.exp(-step / 700) * draw.uniform(0.9, 1.1)
        losses = {
            "distilled": {"task": TermValue(value=loss, weight=1.0), "response": TermValue(value=loss / 3, weight=0.5)},
            "control": {"task": TermValue(value=loss * 1.02, weight=1.0)},
        }  # fmt: skip
        yield StepLogged(step=step, learning_rate=0.002, steps_per_second=71.3, losses=losses)
        if step % EVALUATE_EVERY == 0:
            quality = 28.6 - 3 * math.exp(-step / 900) + draw.gauss(0, 0.01)
            verdict = Verdict(
                metric="psnr", variant="distilled", value=quality + gain, control=quality, difference=gain,
                low=gain - 0.06, high=gain + 0.06, better=40, worse=8, total=48,
                sentence=f"distilled {quality + gain:.2f} dB, control {quality:.2f}: {gain:+.2f} dB.",
            )  # fmt: skip
            scores = {"distilled": {"psnr": quality + gain}, "control": {"psnr": quality}}
            yield Evaluated(
                step=step,
                variants=scores,
                teacher={"psnr": 29.3},
                input={"psnr": 20.5},
                verdicts=(verdict,),
            )
            yield PreviewReady(step=step, file=f"previews/{step:08d}.json")
        if step % 500 == 0:
            yield CheckpointSaved(step=step, folder=f"checkpoints/{step:08d}")
    small = NetworkCost(parameters=4_590, multiply_adds=42_000_000, latency_ms=draw.uniform(1, 3))
    large = NetworkCost(parameters=235_000, multiply_adds=540_000_000, latency_ms=draw.uniform(9, 12))
    yield CostMeasured(step=points, networks={"teacher": large, "student": small})
    yield RunFinished(step=points, reason="completed", seconds=points / 71.3)


def configs(count: int) -> Iterator[RunConfig]:
    """What a person who tries things would have run."""
    base = preset_config("denoise")
    draw = random.Random(0)
    for n in range(count):
        yield with_values(
            base,
            {
                "name": f"Denoise no. {n}",
                "student.params.width": draw.choice([8, 12, 16, 24, 32]),
                "student.params.depth": draw.choice([3, 5, 7]),
                "training.learning_rate": draw.choice([1e-3, 2e-3, 4e-3]),
                "training.seed": n % 5,
                "variants.0.terms.0.weight": round(draw.uniform(0, 2), 2),
            },
        )


def fill(home: Path, runs: int, points: int) -> None:
    """Write the runs straight into the store."""
    store = Store(home)
    if store.count() >= runs:
        return
    begin = time.perf_counter()
    now = time.time()
    with store.database.writing() as connection:
        connection.execute("CREATE TEMP TABLE log (template, seq, time, kind, event)")
        results, costs, last = [], [], []
        for template in range(TEMPLATES):
            rows = [
                (template, seq, seq / 71.3, getattr(event, "kind", ""), event.model_dump_json())
                for seq, event in enumerate(events(points, template), 1)
            ]
            connection.executemany("INSERT INTO log VALUES (?, ?, ?, ?, ?)", rows)
            results.append(next(row[4] for row in reversed(rows) if row[3] == "evaluated"))
            costs.append(rows[-2][4])
            last.append(len(rows))
    for n, config in enumerate(configs(runs)):
        run_id, template = f"run{n:05d}", n % TEMPLATES
        store.folder(run_id).mkdir(exist_ok=True)
        created = now - 600.0 * (runs - n)
        with store.database.writing() as connection:
            connection.execute(
                "INSERT INTO runs (id, name, status, owner, config, created, started, ended, step, steps, results, seq,"
                " cost, keywords) VALUES (?, ?, 'finished', '', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (run_id, config.name, config.to_json(), created, created, created + 80, points, points,
                 results[template], last[template], costs[template], keywords(config.model_dump(mode="json"))),
            )  # fmt: skip
            connection.execute(
                "INSERT INTO events SELECT ?, seq, ? + time, kind, event FROM temp.log WHERE template = ?",
                (run_id, created, template),
            )
    store.close()
    size = (home / "kdexplorer.db").stat().st_size / 2**30
    print(
        f"made {runs} runs of {points} points in {time.perf_counter() - begin:.0f} s, {size:.1f} GiB",
        flush=True,
    )


def opened(browser: Browser, url: str, *, some: bool) -> tuple[float, float]:
    """Seconds to the form, and from *All runs* to the first runs (or the words that there are none)."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    begin = time.perf_counter()
    page.goto(url)
    page.locator("#kdx-distill").wait_for()
    page.locator(".k-topmenu-button").first.wait_for()
    ready = time.perf_counter() - begin
    time.sleep(3)
    show_compare(page)
    begin = time.perf_counter()
    page.locator(".k-topmenu-all").click()
    if some:
        page.locator(".k-past tbody tr").nth(49).wait_for()
    else:
        page.locator(".k-past .k-ghost-text").get_by_text("No runs yet").wait_for()
    seconds = time.perf_counter() - begin
    page.context.close()
    return ready, seconds


def show_compare(page: Page) -> None:
    page.locator(".k-topmenu-button").first.click()
    page.locator(".k-topmenu-all").wait_for()


def choose(browser: Browser, url: str, count: int = 20) -> float:
    """Seconds from the last of `count` boxes to all their curves."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(url)
    page.locator("#kdx-distill").wait_for()
    show_compare(page)
    page.locator(".k-topmenu-all").click()
    boxes = page.locator(".k-past tbody input[type=checkbox]")
    boxes.nth(0).click()
    page.wait_for_function("document.getElementById('kdx-chart-compare-curves').data?.length > 0")
    begin = time.perf_counter()
    boxes.nth(count - 1).click(modifiers=["Shift"])
    page.wait_for_function(
        "count => document.getElementById('kdx-chart-compare-curves').data?.length >= 2 * count", arg=count
    )
    seconds = time.perf_counter() - begin
    page.context.close()
    return seconds


def polls(home: Path) -> None:
    """Cost of what a watching page asks: nothing new, at the end of a long log and of a short one."""
    store = Store(home)
    from kdexplorer.runs.manager import Manager

    endpoints = Endpoints(store, Manager(store))
    run = store.runs(limit=1)[0]
    begin = time.perf_counter()
    seen = endpoints.poll({"run": run.id, "cursor": 0, "token": TOKEN})
    whole = time.perf_counter() - begin
    while seen.get("more"):
        seen = endpoints.poll({"run": run.id, "cursor": seen["cursor"], "token": TOKEN})
    short = store.create(preset_config("denoise"), run_id=store.new_id())
    store.append(short, list(events(20, 0))[1:])
    first = endpoints.poll({"run": short, "cursor": 0, "token": TOKEN})

    def cost(run_id: str, cursor: int) -> float:
        times = []
        for _ in range(300):
            begin = time.perf_counter()
            endpoints.poll({"run": run_id, "cursor": cursor, "token": TOKEN})
            times.append(time.perf_counter() - begin)
        return statistics.median(times) * 1000

    early, late = cost(short, first["cursor"]), cost(run.id, seen["cursor"])
    print(
        f"a poll without news: {late:.3f} ms at the end of {run.steps} points, {early:.3f} ms at 20: ratio {late / early:.2f}; "
        f"the whole log at once, first time: {1000 * whole:.0f} ms"
    )
    store.forget(short)
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--points", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home, empty = options.home or Path(folder) / "full", Path(folder) / "empty"
        fill(home, options.runs, options.points)
        polls(home)
        browser = playwright.chromium.launch(executable_path=chrome(), args=ARGS)
        with app(home) as (full_url, _), app(empty) as (empty_url, _):
            opened(browser, full_url, some=True), opened(browser, empty_url, some=False)  # fills the caches
            pairs = [
                (opened(browser, full_url, some=True), opened(browser, empty_url, some=False))
                for _ in range(options.rounds)
            ]
            for at, what in enumerate(("page open", "Compare open")):
                full, none = (statistics.median(pair[side][at] for pair in pairs) for side in (0, 1))
                print(
                    f"{what}: {full:.2f} s with {options.runs} runs, {none:.2f} s empty: ratio {full / none:.2f}"
                )
            chosen = statistics.median(choose(browser, full_url) for _ in range(3))
            print(f"20 runs chosen → 20 curves with controls drawn: {chosen:.2f} s")
        browser.close()


if __name__ == "__main__":
    main()
