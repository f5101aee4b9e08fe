"""One browser for all browser tests, and one server for those that do not mind each other's runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from person import Person
from playwright.sync_api import Browser, sync_playwright

from kdexplorer.config import with_values
from kdexplorer.presets import preset_config

ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="session")
def browser(chrome: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chrome, args=ARGS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def shared(serve: Callable[[], Any]) -> Any:
    """A server with two finished runs in its history, `shared.photos` and `shared.shapes`."""
    from kdexplorer.runs.executors import Inline
    from kdexplorer.runs.manager import Manager
    from kdexplorer.runs.store import Store

    server = serve()
    store = Store(Path(server.home))
    manager = Manager(store, executor=Inline())
    short = {"training.evaluate_every": 10, "training.checkpoint_every": 10, "training.log_every": 5}
    photos = {**short, "training.steps": 20, "data.held_out": 6, "name": "Photos"}
    shapes = {**short, "training.steps": 30, "data.held_out": 60, "name": "Shapes"}
    server.photos = manager.start(with_values(preset_config("denoise"), photos), actor=None)
    server.shapes = manager.start(with_values(preset_config("shapes"), shapes), actor=None)
    store.close()
    return server


@pytest.fixture
def visitor(browser: Browser, shared: Any) -> Iterator[Callable[..., Person]]:
    """Makes people at the shared server; their complaints are the test's."""
    people: list[Person] = []

    def arrive(**options: Any) -> Person:
        people.append(Person(browser, shared.url, **options))
        return people[-1]

    yield arrive
    for person in people:
        person.leave()
