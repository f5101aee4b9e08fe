"""A home of their own and a run of seconds for the tests of `kdexplorer.runs`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kdexplorer.config import RunConfig, with_values
from kdexplorer.runs import Manager, Store

DIGITS = {
    "name": "digits",
    "task": "classification",
    "data": {"source": {"id": "digits"}, "held_out": 8},
    "student": {"id": "mlp"},
    "teacher": {"id": "mlp"},
    "variants": [{"terms": [{"method": "soft_targets"}]}],
    "training": {
        "steps": 12,
        "batch_size": 8,
        "log_every": 2,
        "evaluate_every": 6,
        "checkpoint_every": 4,
        "threads": 1,
    },
}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("KDX_HOME", str(tmp_path))
    opened = Store(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def digits() -> Callable[..., RunConfig]:
    """A small run on the digits; keywords are settings of `training`."""

    def make(**training: Any) -> RunConfig:
        changes = {f"training.{name}": value for name, value in training.items()}
        return with_values(RunConfig.from_dict(DIGITS), changes)

    return make


@pytest.fixture
def until(store: Store) -> Callable[..., dict[str, Any]]:
    """Wait for an event of a kind in a run's log, ticking a manager meanwhile, and return it."""

    def wait(
        run_id: str, kind: str, *, count: int = 1, manager: Manager | None = None, seconds: float = 200.0
    ) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if manager is not None:
                manager.tick()
            found = store.events(run_id, kinds=(kind,))
            if len(found) >= count:
                return found[count - 1].event
            time.sleep(0.02)
        kinds = [stored.event["kind"] for stored in store.events(run_id)]
        raise AssertionError(f"no {kind} within {seconds} s: {kinds} {store.run(run_id).describe()}")

    return wait
