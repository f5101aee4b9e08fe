"""A real browser and a real server for the tests that need them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
# Not `urlopen`: it keeps the proxies of its first call for good, and the tests of being offline set dead ones.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
NO_BROWSER = (
    "The browser tests need Chrome or Chromium, and none was found or could be installed. Install one "
    "(`apt-get install chromium`, or `playwright install --with-deps chromium`), or set KDX_CHROME to its path."
)


def installed_chrome() -> str | None:
    """The path of a Chrome or Chromium on this machine."""
    named = os.environ.get("KDX_CHROME")
    if named:
        return named
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    return found or next((place for place in PLACES if Path(place).exists()), None)


def playwrights_chrome() -> str | None:
    """The path of Playwright's own Chromium, if it is there."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def _try(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=280, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@pytest.fixture(scope="session")
def chrome() -> str:
    """The path of a browser: one that is there, else one that is installed now, else a failure that says what to do."""
    found = installed_chrome() or playwrights_chrome()
    if found is None and _try(sys.executable, "-m", "playwright", "install", "chromium"):
        found = playwrights_chrome()
    if found is None and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        _try("apt-get", "update")
        _try("apt-get", "install", "-y", "chromium")
        found = installed_chrome()
    if found is None:
        pytest.fail(NO_BROWSER)
    return found


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Server:
    """`app.py` as a process of its own, over a home folder of its own."""

    def __init__(self, home: Path, log: Path) -> None:
        self.home, self.log, self.port = home, log, _free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        env = {
            **os.environ,
            "KDX_HOME": str(self.home),
            "CI": "1",
            "GRADIO_TEMP_DIR": str(self.home / "gradio"),
        }
        command = [sys.executable, "app.py", "--port", str(self.port), "--no-browser"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
        deadline = time.monotonic() + 200
        while True:
            try:
                with DIRECT.open(self.url, timeout=2):
                    return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    self.stop()
                    pytest.fail(f"The app did not start:\n{self.log.read_text(errors='replace')[-3000:]}")
                time.sleep(0.1)

    def stop(self) -> None:
        """Stop it, if it is still there."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


@pytest.fixture(scope="module")
def server(serve: Callable[[], Server]) -> Iterator[Server]:
    """A server of the test module's own; stopped after it, for each keeps a worker and an inspector warm."""
    found = serve()
    yield found
    stop_runs(found.home)
    found.stop()


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Server]]:
    """Starts servers with clean homes; all are stopped at the end, with the runs that they began."""
    servers: list[Server] = []

    def begin() -> Server:
        folder = tmp_path_factory.mktemp("app")
        servers.append(Server(folder / "home", folder / "server.log"))
        return servers[-1]

    yield begin
    for server in servers:
        stop_runs(server.home)
        server.stop()


def stop_runs(home: Path) -> None:
    """Ask every run under `home` to stop: workers outlive their server."""
    from kdexplorer.commands import Stop
    from kdexplorer.runs.manager import Manager
    from kdexplorer.runs.store import Store

    store = Store(home)
    manager = Manager(store)
    for run in store.runs():
        if run.active or run.status == "queued":
            manager.command(run.id, Stop(), actor=None)
    deadline = time.monotonic() + 20
    while any(run.active for run in store.runs()) and time.monotonic() < deadline:
        time.sleep(0.2)
    store.close()
