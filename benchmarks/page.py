"""What a person waits for, and what watching costs, measured side by side in one run:

    uv run benchmarks/page.py            # all
    uv run benchmarks/page.py ready first watchers

1. ready: from the command to the page ÷ the time of `import gradio`.
2. first: from the click on *Distill* to the first point on the curve, with the warm worker.
3. watchers: training throughput with three watching pages ÷ without any, in turns.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from kdexplorer.commands import Stop
from kdexplorer.config import with_values
from kdexplorer.presets import preset_config
from kdexplorer.runs.manager import Manager
from kdexplorer.runs.store import Store

ROOT = Path(__file__).parents[1]
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
POINTS = "document.getElementById('kdx-chart-losses')?.data?.[0]?.x?.length > 0"
ENV = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | {"CI": "1"}


def answer(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


@contextlib.contextmanager
def app(home: Path) -> Iterator[tuple[str, float]]:
    """The app as a process of its own: its address, and the seconds until the page was served."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port), "--no-browser"],
        cwd=ROOT, env={**ENV, "KDX_HOME": str(home)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}/"
        while not answer(url):
            if process.poll() is not None:
                raise SystemExit("the app ended")
            time.sleep(0.02)
        yield url, time.perf_counter() - begin
    finally:
        process.terminate()
        process.wait()


def ready(rounds: int = 5) -> None:
    ratios, pages, imports = [], [], []
    with tempfile.TemporaryDirectory() as home:
        for round in range(rounds + 1):
            begin = time.perf_counter()
            subprocess.run([sys.executable, "-c", "import gradio"], check=True, env=ENV)
            imported = time.perf_counter() - begin
            with app(Path(home)) as (_, served):
                pass
            if round:  # the first one fills the caches
                imports.append(imported)
                pages.append(served)
                ratios.append(served / imported)
    print(
        f"page ready ÷ import gradio: median {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} … {max(ratios):.2f}); {statistics.median(pages):.2f} s against {statistics.median(imports):.2f} s"
    )


def first(rounds: int = 5) -> None:
    waits = []
    with tempfile.TemporaryDirectory() as home, app(Path(home)) as (url, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chrome(), args=ARGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(url)
        page.locator("#kdx-distill").wait_for()
        store = Store(Path(home))
        manager = Manager(store)
        for _ in range(rounds):
            page.get_by_role("button", name="Denoise a photo").click()
            page.locator(".k-pair").get_by_text("smaller").wait_for(timeout=60_000)  # a warm worker answered
            time.sleep(4)
            waits.append(click_to_point(page))
            for run in store.runs():
                if run.active:
                    manager.command(run.id, Stop(), actor=None)
            while any(run.active for run in store.runs()):
                time.sleep(0.2)
            time.sleep(12)  # until a spare is warm again
        browser.close()
    shown = ", ".join(f"{wait:.2f}" for wait in waits)
    print(f"click on Distill to the first point: median {statistics.median(waits):.2f} s (of {shown})")


def click_to_point(page: Page) -> float:
    seconds: float = page.evaluate(
        """async () => {
          const known = window.kdx.live.run()?.id;
          const begin = performance.now();
          document.getElementById('kdx-distill').click();
          const there = () => window.kdx.live.run() && window.kdx.live.run().id !== known
            && window.kdx.live.run().steps.length > 0 && POINTS;
          while (!there()) await new Promise(requestAnimationFrame);
          return (performance.now() - begin) / 1000;
        }""".replace("POINTS", POINTS)
    )
    return seconds


def watchers(rounds: int = 4, seconds: float = 12.0, threads: int = 1) -> None:
    """Windows of the same run, with and without three pages. One training thread on two cores leaves the other to
    server and browsers, which in life are another machine's work; `--threads 0` makes them compete."""
    far = {"training.steps": 10**6, "training.evaluate_every": 100, "training.threads": threads}
    config = with_values(preset_config("denoise"), far)
    ratios = []
    with tempfile.TemporaryDirectory() as home, app(Path(home)) as (url, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chrome(), args=ARGS)
        store = Store(Path(home))
        manager = Manager(store)
        run = manager.start(config, actor=None)
        while store.run(run).step < 100:
            time.sleep(0.2)
        for _ in range(rounds):
            alone = speed(store, run, seconds)
            pages = [browser.new_context().new_page() for _ in range(3)]
            for page in pages:
                page.goto(f"{url}?run={run}")
                page.wait_for_function(POINTS)
            ratios.append(speed(store, run, seconds) / alone)
            for page in pages:
                page.context.close()
        manager.command(run, Stop(), actor=None)
        while store.run(run).active:
            time.sleep(0.2)
        browser.close()
    print(
        f"throughput with three pages ÷ without, {threads or 'all'} training threads of {os.cpu_count()} cores: "
        f"median {statistics.median(ratios):.3f} ({min(ratios):.3f} … {max(ratios):.3f})"
    )


def speed(store: Store, run: str, seconds: float) -> float:
    """Steps a second over a window that begins and ends with a logged step."""

    def last() -> tuple[float, int]:
        stored: Any = store.events(run, 0, 10**9, kinds=("step",))[-1]
        return stored.time, stored.event["step"]

    time.sleep(1.5)
    began, first_step = last()
    time.sleep(seconds)
    ended, last_step = last()
    return (last_step - first_step) / (ended - began)


def chrome() -> str:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = os.environ.get("KDX_CHROME") or next((p for n in names if (p := shutil.which(n))), None)
    if found is None:
        raise SystemExit("Install Chromium, or set KDX_CHROME to a browser's path.")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", default=["ready", "first", "watchers"])
    parser.add_argument(
        "--threads", type=int, default=1, help="training threads while pages watch; 0 takes all"
    )
    options = parser.parse_args()
    if "ready" in options.what:
        ready()
    if "first" in options.what:
        first()
    if "watchers" in options.what:
        watchers(threads=options.threads)


if __name__ == "__main__":
    main()
