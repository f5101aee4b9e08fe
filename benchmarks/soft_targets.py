"""What a move of the temperature costs in the browser, over a run on shapes (8 classes, 400 images, 3 networks):

    uv run benchmarks/soft_targets.py
    uv run benchmarks/soft_targets.py --classes 100     # logits drawn at random, 200 images

1. script: from the slider's event to the last changed element (the page's own performance measure).
2. layout: the same, and the style and layout that follow, forced at once.
3. frame: from the event to the next frame; 16.7 ms where the display shows 60 a second and none is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from pathlib import Path

import numpy as np
from page import ARGS, app, chrome
from playwright.sync_api import Page, sync_playwright

from kdexplorer.config import with_values
from kdexplorer.home import preview_path
from kdexplorer.presets import preset_config
from kdexplorer.runs.executors import Inline
from kdexplorer.runs.manager import Manager
from kdexplorer.runs.store import Store

MOVES = 240
MOVE = """async moves => {
  const slider = document.querySelector('[data-name=soft-temperature]');
  const body = document.querySelector('.k-soft-body');
  const found = {script: [], layout: [], frame: []};
  for (let i = 0; i < moves; i += 1) {
    await new Promise(requestAnimationFrame);
    const began = performance.now();
    slider.value = Math.round(60 + 60 * Math.sin(i / 9));
    slider.dispatchEvent(new Event('input'));
    found.script.push(performance.getEntriesByName('kdx-temperature').at(-1).duration);
    void body.offsetHeight;
    found.layout.push(performance.now() - began);
    await new Promise(requestAnimationFrame);
    found.frame.push(performance.now() - began);
  }
  return found;
}"""


def short_run(home: Path) -> str:
    """A run of a few steps whose last preview has everything the tab shows."""
    store = Store(home)
    config = with_values(
        preset_config("shapes"),
        {"training.steps": 2, "training.evaluate_every": 2, "training.batch_size": 4},
    )
    run: str = Manager(store, executor=Inline()).start(config, actor=None)
    store.close()
    return run


def widen(folder: Path, step: int, classes: int) -> None:
    """Put random logits of many classes in place of a preview's own."""
    about, part = preview_path(folder, step), preview_path(folder, step, "logits")
    shown, logits = json.loads(about.read_text()), json.loads(part.read_text())
    images = 20_000 // classes
    generator = np.random.default_rng(0)
    logits["labels"] = (np.arange(images) % classes).tolist()
    for network in logits["networks"]:
        network["values"] = generator.normal(0, 3, (images, classes)).round(3).tolist()
    shown["classes"] = [f"class {i}" for i in range(classes)]
    about.write_text(json.dumps(shown))
    part.write_text(json.dumps(logits))


def measure(page: Page) -> None:
    page.evaluate(MOVE, 30)  # the browser compiles what it runs often
    for name, values in page.evaluate(MOVE, MOVES).items():
        values.sort()
        p95 = values[int(0.95 * len(values))]
        print(
            f"{name:>7}: median {statistics.median(values):5.2f} ms, p95 {p95:5.2f} ms "
            f"({values[0]:.2f} … {values[-1]:.2f})"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--classes", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, app(Path(home)) as (url, _), sync_playwright() as playwright:
        run = short_run(Path(home))
        if options.classes != 8:
            widen(Path(home) / "runs" / run, 2, options.classes)
        browser = playwright.chromium.launch(executable_path=chrome(), args=ARGS)
        page = browser.new_page(viewport={"width": 1440, "height": 1400}, locale="en-US")
        page.goto(f"{url}?run={run}")
        page.get_by_role("tab", name="Soft targets").click()
        page.locator(".k-soft-words").get_by_text("At T =").wait_for(timeout=60_000)
        print(
            f"{MOVES} moves over {options.classes} classes; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
        )
        measure(page)
        browser.close()


if __name__ == "__main__":
    main()
