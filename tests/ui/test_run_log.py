"""A run's log as the page gets it: each point once, resumed steps replaced, long histories thinned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kdexplorer.events import (
    CheckpointSaved,
    Event,
    KnobTurned,
    PreviewReady,
    RunResumed,
    StepLogged,
    TermValue,
)
from kdexplorer.runs.run import StoredEvent
from kdexplorer.ui.run_log import KEPT, PAGE, RunLog


class Log:
    """Events in memory, counted from 1 as the store counts them."""

    def __init__(self) -> None:
        self.stored: list[StoredEvent] = []
        self.asked = 0

    def add(self, *events: Event) -> None:
        for event in events:
            self.stored.append(StoredEvent(len(self.stored) + 1, 0.0, event.model_dump(mode="json")))

    def events(self, run_id: str, after: int = 0, limit: int = 5000) -> Sequence[StoredEvent]:
        self.asked += 1
        return self.stored[after : after + limit]


def logged(step: int, value: float | None = None) -> StepLogged:
    losses = {
        "distilled": {
            "task": TermValue(value=value or 1 / step, weight=1.0),
            "soft_targets": TermValue(value=2.0, weight=0.5),
        },
        "control": {"task": TermValue(value=3.0, weight=1.0)},
    }
    return StepLogged(step=step, learning_rate=0.1, steps_per_second=9.0, losses=losses)


def opened(*events: Event) -> tuple[Log, RunLog]:
    source = Log()
    source.add(*events)
    log = RunLog("r", source)
    log.refresh()
    return source, log


def client(log: RunLog) -> dict[str, Any]:
    """What a page holds after it has asked until there is no more, and in how many answers."""
    steps: list[int] = []
    cursor, answers = 0, 0
    while True:
        answer = log.since(cursor)
        answers += 1
        if "drop" in answer:
            steps = [step for step in steps if step <= answer["drop"]]
        steps += answer.get("points", {}).get("step", [])
        cursor = answer["cursor"]
        if not answer["more"]:
            return {"steps": steps, "cursor": cursor, "answers": answers}


def test_columns_hold_values_and_weights_by_variant_and_term() -> None:
    _, log = opened(logged(1), logged(2))
    points = log.since(0)["points"]
    assert points["step"] == [1, 2]
    assert points["rate"] == [0.1, 0.1]
    assert points["losses"]["distilled"]["task"] == [[1.0, 0.5], [1.0, 1.0]]
    assert points["losses"]["distilled"]["soft_targets"] == [[2.0, 2.0], [0.5, 0.5]]
    assert points["losses"]["control"]["task"] == [[3.0, 3.0], [1.0, 1.0]]


def test_a_cursor_gets_only_what_is_new() -> None:
    source, log = opened(logged(1), logged(2))
    cursor = log.since(0)["cursor"]
    assert "points" not in log.since(cursor)
    source.add(
        logged(3), KnobTurned(step=3, knob="learning_rate", old=0.1, new=0.2), PreviewReady(step=3, file="x")
    )
    log.refresh()
    answer = log.since(cursor)
    assert answer["points"]["step"] == [3]
    assert answer["knobs"] == [{"step": 3, "knob": "learning_rate", "old": 0.1, "new": 0.2}]
    assert answer["previews"] == [{"step": 3}]
    assert log.since(answer["cursor"]) == {"cursor": answer["cursor"], "more": False}


def test_a_reader_drops_what_is_trained_again() -> None:
    source, log = opened(*[logged(step) for step in range(1, 9)], CheckpointSaved(step=8, folder="c"))
    before = log.since(0)
    source.add(RunResumed(step=4), logged(5, value=50.0), logged(6, value=60.0))
    log.refresh()
    answer = log.since(before["cursor"])
    assert answer["drop"] == 4
    assert answer["points"]["step"] == [5, 6]
    fresh = log.since(0)
    assert "drop" not in fresh
    assert "checkpoints" not in fresh
    assert fresh["points"]["step"] == [1, 2, 3, 4, 5, 6]
    assert fresh["points"]["losses"]["distilled"]["task"][0][-2:] == [50.0, 60.0]


def test_a_long_history_comes_in_pages_and_completely() -> None:
    _, log = opened(*[logged(step) for step in range(1, KEPT + 1)])
    assert len(log.since(0)["points"]["step"]) == PAGE
    held = client(log)
    assert held["steps"] == list(range(1, KEPT + 1))
    assert held["answers"] == 3


def test_a_very_long_history_is_thinned_and_keeps_both_ends() -> None:
    _, log = opened(*[logged(step) for step in range(1, 3 * KEPT + 8)])
    held = client(log)
    assert held["answers"] == 1
    assert PAGE / 2 < len(held["steps"]) <= PAGE
    assert held["steps"][0] == 1
    assert held["steps"][-1] == 3 * KEPT + 7
    assert held["steps"] == sorted(set(held["steps"]))


def test_events_are_read_once_however_many_watch() -> None:
    source, log = opened(*[logged(step) for step in range(1, 5)])
    asked = source.asked
    for _ in range(20):
        log.refresh()
        log.since(0)
    assert source.asked == asked + 20
    assert log.cursor == 4


def test_a_cursor_from_the_future_is_brought_back() -> None:
    _, log = opened(logged(1))
    assert log.since(10**12) == {"cursor": 1, "more": False}


def test_a_term_that_begins_later_has_holes_before() -> None:
    late = logged(2).model_copy(
        update={"losses": {**logged(2).losses, "other": {"task": TermValue(value=1.0, weight=1.0)}}}
    )
    _, log = opened(logged(1), late)
    assert log.since(0)["points"]["losses"]["other"]["task"] == [[None, 1.0], [None, 1.0]]


def looked(step: int, **shares: float) -> StepLogged:
    return logged(step).model_copy(update={"gradients": {"distilled": shares, "control": {"task": 1.0}}})


def test_gradient_shares_come_apart_from_the_points_and_only_once() -> None:
    source, log = opened(logged(1), looked(2, task=0.25, hint=0.75), logged(3))
    answer = log.since(0)
    assert answer["shares"] == {
        "step": [2],
        "variants": {"distilled": {"task": [0.25], "hint": [0.75]}, "control": {"task": [1.0]}},
    }
    source.add(logged(4), looked(5, task=1 / 3, late=2 / 3))
    log.refresh()
    shares = log.since(answer["cursor"])["shares"]
    assert shares["step"] == [5]
    assert shares["variants"]["distilled"] == {"task": [0.3333], "late": [0.6667]}
    assert log.since(0)["shares"]["variants"]["distilled"] == {
        "task": [0.25, 0.3333],
        "hint": [0.75, None],
        "late": [None, 0.6667],
    }


def test_shares_of_steps_that_are_trained_again_go() -> None:
    source, log = opened(*[looked(step, task=1.0) for step in range(1, 6)])
    source.add(RunResumed(step=3), looked(4, task=0.5, hint=0.5))
    log.refresh()
    shares = log.since(0)["shares"]
    assert shares["step"] == [1, 2, 3, 4]
    assert shares["variants"]["distilled"]["task"] == [1.0, 1.0, 1.0, 0.5]


def test_no_look_is_lost_to_the_pages_of_a_long_history() -> None:
    source, log = opened()
    source.add(*[looked(step, task=1.0) if step % 50 == 0 else logged(step) for step in range(1, KEPT + 1)])
    log.refresh()
    steps: list[int] = []
    cursor, more = 0, True
    while more:
        answer = log.since(cursor)
        steps += answer.get("shares", {}).get("step", [])
        cursor, more = answer["cursor"], answer["more"]
    assert steps == list(range(50, KEPT + 1, 50))


def test_looks_at_every_step_of_a_very_long_run_are_thinned() -> None:
    _, log = opened(*[looked(step, task=1.0) for step in range(1, 2 * KEPT)])
    steps = log.since(0)["shares"]["step"]
    assert (steps[0], steps[-1]) == (1, 2 * KEPT - 1)
    assert PAGE / 2 < len(steps) <= PAGE
