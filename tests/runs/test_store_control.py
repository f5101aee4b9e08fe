"""The control: scripted commands at their step, sent ones between two steps, and cheap to ask."""

from __future__ import annotations

import threading
import time

from kdexplorer.commands import Pause, Resume, SetKnob, Stop
from kdexplorer.config import RunConfig
from kdexplorer.runs import Store
from kdexplorer.runs.control import POLL_SECONDS, StoreControl


def test_scripted_commands_come_at_their_step_before_sent_ones(store: Store) -> None:
    run_id = store.create(RunConfig())
    knob = SetKnob(knob="learning_rate", value=0.1)
    control = StoreControl(store, run_id, {0: [knob], 5: [knob]})
    store.send(run_id, Pause())
    assert control.pending(0) == [knob, Pause()]
    assert [control.pending(step) for step in range(1, 5)] == [[], [], [], []]
    assert control.pending(5) == [knob]
    assert control.pending(5) == []


def test_the_store_is_asked_at_most_every_50_ms(store: Store) -> None:
    run_id = store.create(RunConfig())
    polls = 0

    def count() -> None:
        nonlocal polls
        polls += 1

    control = StoreControl(store, run_id, each_poll=count)
    begin, steps = time.perf_counter(), 20_000
    for step in range(steps):
        control.pending(step)
    seconds = time.perf_counter() - begin
    assert polls <= seconds / POLL_SECONDS + 1
    assert seconds / steps < 50e-6


def test_wait_blocks_until_something_is_sent(store: Store) -> None:
    run_id = store.create(RunConfig())
    control = StoreControl(store, run_id)
    threading.Timer(0.2, store.send, (run_id, Resume())).start()
    begin = time.monotonic()
    assert control.wait(3) == [Resume()]
    assert 0.15 < time.monotonic() - begin < 2


def test_a_signal_or_the_time_limit_stops_once(store: Store) -> None:
    run_id = store.create(RunConfig())
    control = StoreControl(store, run_id)
    control.request_stop()
    assert [control.pending(0), control.pending(0)] == [[Stop()], []]
    control = StoreControl(store, run_id, seconds=0.1)
    assert control.pending(0) == []
    assert control.wait(0) == [Stop()]
    assert control.out_of_time
    time.sleep(POLL_SECONDS)
    assert control.pending(0) == []
