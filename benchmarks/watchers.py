"""What many viewers of one run cost, and what one receives:

    uv run benchmarks/watchers.py             # both
    uv run benchmarks/watchers.py many bytes

1. many: 20 viewers, each asking what the page asks as often as it asks (log and pictures); how long a poll takes, and
   training throughput with them ÷ without, in turns.
2. bytes: what a real browser receives in a minute of watching, by kind.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import os
import random
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx
from page import ARGS, POINTS, app, chrome, speed
from playwright.sync_api import sync_playwright

from kdexplorer.commands import Stop
from kdexplorer.config import with_values
from kdexplorer.presets import preset_config
from kdexplorer.runs.manager import Manager
from kdexplorer.runs.store import Store

PACE = 0.7  # seconds between two polls of a page that shows a run
TOKEN = "0" * 48
SHOWN = "kdx.live.run().previews.length"


class Viewer:
    """Asks what a page asks."""

    def __init__(self, url: str, component: int, run: str) -> None:
        self.client = httpx.Client(base_url=url, trust_env=False, timeout=30)
        self.component, self.run, self.cursor = component, run, 0
        self.session = f"{random.getrandbits(48):x}"
        self.polls: list[float] = []
        self.bytes = 0
        self.seen: set[str] = set()  # pictures, as a browser keeps them

    def ask(self, name: str, query: dict[str, Any]) -> Any:
        body = {"data": query, "component_id": self.component, "fn_name": name, "session_hash": self.session}
        answer = self.client.post("/gradio_api/component_server", json=body)
        answer.raise_for_status()
        self.bytes += len(answer.content)
        return answer.json()

    def look(self, preview: dict[str, Any]) -> None:
        """Fetch what the page draws of it: the first image in all its versions, and where the networks look."""
        for panel in [*preview["items"][0]["panels"], *preview["attribution"]["panels"]]:
            if not panel["image"].startswith("data:") and panel["image"] not in self.seen:
                self.seen.add(panel["image"])
                self.bytes += len(self.client.get(f"/{panel['image']}").raise_for_status().content)

    def watch(self, done: threading.Event) -> None:
        time.sleep(random.random() * PACE)
        while not done.is_set():
            begin = time.perf_counter()
            found = self.ask("poll", {"run": self.run, "cursor": self.cursor, "token": TOKEN})
            self.polls.append(time.perf_counter() - begin)
            if "error" in found:
                raise SystemExit(found["error"])
            self.cursor = found["cursor"]
            if found.get("previews"):
                self.look(self.ask("preview", {"run": self.run, "step": found["previews"][-1]["step"]}))
            done.wait(PACE)


def many(viewers: int = 20, rounds: int = 4, seconds: float = 15.0, threads: int = 1) -> None:
    far = {"training.steps": 10**6, "training.evaluate_every": 100, "training.threads": threads}
    config = with_values(preset_config("denoise"), far)
    ratios, polls = [], []
    with tempfile.TemporaryDirectory() as home, app(Path(home)) as (url, _):
        components = httpx.get(f"{url}config", trust_env=False).json()["components"]
        live = next(c["id"] for c in components if c["props"].get("elem_id") == "kdx-live")
        store = Store(Path(home))
        manager = Manager(store)
        run = manager.start(config, actor=None)
        while store.run(run).step < 100:
            time.sleep(0.2)
        with concurrent.futures.ThreadPoolExecutor(viewers) as pool:
            for _ in range(rounds):
                alone = speed(store, run, seconds)
                done = threading.Event()
                found = [Viewer(url, live, run) for _ in range(viewers)]
                watching = [pool.submit(viewer.watch, done) for viewer in found]
                time.sleep(2)  # each has read the log so far
                for viewer in found:
                    viewer.polls.clear()
                ratios.append(speed(store, run, seconds) / alone)
                done.set()
                for future in watching:
                    future.result()
                polls += [poll for viewer in found for poll in viewer.polls]
        manager.command(run, Stop(), actor=None)
        while store.run(run).active:
            time.sleep(0.2)
    polls.sort()
    print(
        f"{viewers} viewers, {len(polls)} polls: median {1000 * statistics.median(polls):.1f} ms, "
        f"p95 {1000 * polls[int(0.95 * len(polls))]:.1f} ms; training with them ÷ without, "
        f"{threads or 'all'} training threads of {os.cpu_count()} cores: median {statistics.median(ratios):.3f} "
        f"({min(ratios):.3f} … {max(ratios):.3f})"
    )


def received(seconds: float = 60.0, every: int = 0) -> None:
    far: dict[str, Any] = {"training.steps": 10**6}
    if every:
        far["training.evaluate_every"] = every
    config = with_values(preset_config("denoise"), far)
    with tempfile.TemporaryDirectory() as home, app(Path(home)) as (url, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chrome(), args=ARGS)
        store = Store(Path(home))
        manager = Manager(store)
        run = manager.start(config, actor=None)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        sizes: dict[str, int] = {}
        names: dict[str, str] = {}
        network = page.context.new_cdp_session(page)
        network.send("Network.enable")

        def begun(event: dict[str, Any]) -> None:
            sent, url = event["request"].get("postData", ""), event["request"]["url"]
            seen = '"preview"' in sent or "/kdx/picture/" in url
            names[event["requestId"]] = "pictures" if seen else "log" if '"poll"' in sent else "other"

        def ended(event: dict[str, Any]) -> None:
            name = names.get(event["requestId"], "other")
            sizes[name] = sizes.get(name, 0) + int(event["encodedDataLength"])

        network.on("Network.requestWillBeSent", begun)
        network.on("Network.loadingFinished", ended)
        page.goto(f"{url}?run={run}")
        page.wait_for_function(POINTS)
        page.locator(".k-attention-panel").scroll_into_view_if_needed()  # all there is to see is seen
        page.wait_for_function(f"{SHOWN} > 2", timeout=300_000)  # what never changes is there
        page.wait_for_timeout(3000)
        sizes.clear()
        before, shown = store.run(run).step, page.evaluate(SHOWN)
        page.wait_for_timeout(1000 * seconds)
        steps = store.run(run).step - before
        previews = page.evaluate(SHOWN) - shown
        minute = {name: size * 60 / seconds / 1024 for name, size in sizes.items()}
        with contextlib.suppress(Exception):
            manager.command(run, Stop(), actor=None)
        while store.run(run).active:
            time.sleep(0.2)
        browser.close()
    kinds = ", ".join(f"{name} {size:,.0f} KB" for name, size in sorted(minute.items()))
    print(
        f"a watching page receives {sum(minute.values()):,.0f} KB a minute ({kinds}), "
        f"at {steps / seconds:.1f} steps/s and {60 * previews / seconds:.0f} previews a minute"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", default=["many", "bytes"])
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the bytes are counted")
    parser.add_argument("--every", type=int, default=0, help="steps between two previews; 0: the preset's")
    parser.add_argument("--threads", type=int, default=1, help="training threads; 0 takes all")
    options = parser.parse_args()
    if "many" in options.what:
        many(threads=options.threads)
    if "bytes" in options.what:
        received(options.seconds, options.every)


if __name__ == "__main__":
    main()
