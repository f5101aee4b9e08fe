"""Curves to be laid over each other: thinned, without what was trained twice, on a clock that stops in pauses."""

from __future__ import annotations

import pytest

from kdexplorer.config import RunConfig
from kdexplorer.events import (
    Evaluated,
    Event,
    RunFinished,
    RunPaused,
    RunResumed,
    RunStarted,
    StepLogged,
    TermValue,
)
from kdexplorer.runs import Store
from kdexplorer.runs.overlay import LOSS, overlay, thinned


def started() -> RunStarted:
    return RunStarted.model_validate(
        {"steps": 9, "device": "cpu", "threads": 1, "torch": "", "teacher": None, "metrics": (),
         "student": {"model": "mlp", "parameters": 9}, "variants": ("distilled", "control")}
    )  # fmt: skip


def logged(step: int, loss: float) -> StepLogged:
    losses = {name: {"task": TermValue(value=loss, weight=1.0)} for name in ("distilled", "control")}
    return StepLogged(step=step, learning_rate=0.1, steps_per_second=1.0, losses=losses)


def evaluated(step: int, psnr: float) -> Evaluated:
    variants = {"distilled": {"psnr": psnr}, "control": {"psnr": psnr - 1}}
    return Evaluated(step=step, variants=variants, teacher={"psnr": 33.0} if step else {})


def run_of(store: Store, timed: list[tuple[float, Event]]) -> str:
    """A run whose events happened at these seconds."""
    run_id = store.create(RunConfig())
    store.append(run_id, [event for _, event in timed])
    with store.database.writing() as connection:
        connection.executemany(
            "UPDATE events SET time = ? WHERE run_id = ? AND seq = ?",
            [(at, run_id, seq) for seq, (at, _) in enumerate(timed, 2)],  # the first says that it is queued
        )
    return run_id


def test_a_resumed_run_has_one_curve_and_one_clock(store: Store) -> None:
    run = run_of(
        store,
        [(10, started()), (11, evaluated(0, 20)), (12, logged(1, 9)), (14, evaluated(2, 22)), (16, evaluated(4, 99)),
         (16, RunPaused(step=4)), (100, RunResumed(step=2)), (101, logged(3, 5)), (102, evaluated(4, 24)),
         (103, RunFinished(step=4, reason="completed", seconds=9))],
    )  # fmt: skip
    found = overlay(store, run, "psnr")
    assert found == {
        "step": [0, 2, 4],
        "seconds": [1, 4, 8],
        "variants": {"distilled": [20, 22, 24], "control": [19, 21, 23]},
        "teacher": 33.0,
    }
    assert overlay(store, run, LOSS)["variants"] == {"distilled": [9, 5], "control": [9, 5]}
    assert overlay(store, run, "ssim") == {**found, "variants": {}, "teacher": None}


def test_a_long_curve_is_thinned_to_its_ends(store: Store) -> None:
    events: list[tuple[float, Event]] = [(0, started())]
    events += [(n, logged(n, 1 / n)) for n in range(1, 401)]
    run = run_of(store, [*events, (401, evaluated(400, 30))])
    found = overlay(store, run, LOSS, points=11)
    assert found["step"] == thinned(range(1, 401), 11)
    assert (found["step"][0], found["step"][-1], len(found["step"])) == (1, 400, 11)
    assert found["variants"]["control"][-1] == 1 / 400


@pytest.mark.parametrize(("count", "most"), [(0, 5), (1, 5), (5, 5), (6, 5), (1000, 300), (3, 2)])
def test_thinning_keeps_order_and_ends(count: int, most: int) -> None:
    found = thinned(range(count), most)
    assert len(found) == min(count, most)
    assert found == sorted(set(found))
    assert not found or (found[0], found[-1]) == (0, count - 1)


def test_few_events_are_read(store: Store) -> None:
    """Numbers come from an index; SQLite says so."""
    plan = store.database.connection().execute(
        "EXPLAIN QUERY PLAN SELECT seq FROM events INDEXED BY events_but_steps"
        " WHERE run_id = 'a' AND kind <> 'step' AND kind = 'evaluated' ORDER BY seq"
    )
    steps = [row[3] for row in plan]
    assert len(steps) == 1
    assert "events_but_steps (run_id=? AND kind=?)" in steps[0]
