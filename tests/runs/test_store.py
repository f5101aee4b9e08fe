"""The store: logs without gaps, commands once, failures in words."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import pytest

from kdexplorer.commands import Pause, SetKnob
from kdexplorer.config import RunConfig
from kdexplorer.events import (
    Evaluated,
    RunFailed,
    RunFinished,
    RunPaused,
    RunResumed,
    StepLogged,
    StepsExtended,
    TermValue,
)
from kdexplorer.runs import Store, StoreError, UnknownRun, claims, database
from kdexplorer.runs.log import LostRun


def logged(step: int) -> StepLogged:
    losses = {"control": {"task": TermValue(value=0.5, weight=1.0)}}
    return StepLogged(step=step, learning_rate=0.1, steps_per_second=40.0, losses=losses)


def test_a_log_is_read_back_by_cursor(store: Store) -> None:
    run_id = store.create(RunConfig(name="first"))
    events = [logged(1), RunPaused(step=1), RunResumed(step=1), logged(2)]
    store.append(run_id, events[:3])
    store.append(run_id, events[3:])
    found = store.events(run_id)
    assert [stored.seq for stored in found] == [1, 2, 3, 4, 5]
    assert [stored.event for stored in found[1:]] == [event.model_dump(mode="json") for event in events]
    assert [stored.seq for stored in store.events(run_id, after=2, limit=2)] == [3, 4]
    assert [stored.seq for stored in store.events(run_id, kinds=("step",))] == [2, 5]
    last = store.last(run_id, "step")
    assert last is not None
    assert last.event["step"] == 2
    assert store.last(run_id, "finished") is None


def test_the_row_follows_the_log(store: Store) -> None:
    run_id = store.create(RunConfig(name="first"))
    assert (store.run(run_id).status, store.run(run_id).queue_position) == ("queued", 1)
    store.append(run_id, [logged(7), RunPaused(step=7), StepsExtended(step=7, steps=900)])
    run = store.run(run_id)
    assert (run.status, run.step, run.steps, run.steps_per_second) == ("paused", 7, 900, 40.0)
    store.append(run_id, [Evaluated(step=8, variants={"control": {"psnr": 28.0}})])
    assert store.run(run_id).results["variants"] == {"control": {"psnr": 28.0}}
    store.append(run_id, [RunFinished(step=9, reason="stopped", seconds=1.0)])
    assert (store.run(run_id).status, store.run(run_id).step) == ("stopped", 9)
    store.append(run_id, [RunFailed(step=9, reason="no", advice="do")])
    run = store.run(run_id)
    assert (run.status, run.reason, run.advice) == ("failed", "no", "do")


def test_config_goes_in_and_comes_out(store: Store) -> None:
    config = RunConfig(name="sigma σ")
    run_id = store.create(config)
    assert store.run(run_id).config == config
    assert RunConfig.from_json((store.folder(run_id) / "config.json").read_text(encoding="utf-8")) == config


def test_commands_are_handed_out_once_in_order(store: Store) -> None:
    run_id, other = store.create(RunConfig()), store.create(RunConfig())
    commands = [Pause(), SetKnob(knob="learning_rate", value=0.5)]
    for command in commands:
        store.send(run_id, command)
    assert store.take_commands(other) == []
    assert store.take_commands(run_id) == commands
    assert store.take_commands(run_id) == []
    with pytest.raises(UnknownRun):
        store.send("00000000", Pause())


def test_ids_may_be_shortened(store: Store) -> None:
    with pytest.raises(UnknownRun, match="no runs yet"):
        store.resolve("latest")
    first = store.create(RunConfig(), run_id=store.new_id())
    second = store.create(RunConfig())
    assert store.resolve("latest") == second
    short = next(first[:n] for n in range(1, 9) if not second.startswith(first[:n]))
    assert store.resolve(short) == first
    with pytest.raises(UnknownRun, match="no run"):
        store.resolve("%")
    with pytest.raises(UnknownRun):
        store.folder("../../etc")


def test_an_ambiguous_beginning_is_refused(store: Store) -> None:
    runs = [store.create(RunConfig()) for _ in range(40)]  # more than the alphabet has letters
    letter = next(run[0] for run in runs if sum(other[0] == run[0] for other in runs) > 1)
    with pytest.raises(UnknownRun, match="several"):
        store.resolve(letter)


def test_many_writers_leave_no_gap(store: Store) -> None:
    run_id = store.create(RunConfig())
    stores = [Store(store.home) for _ in range(4)]

    def write(own: Store) -> None:
        for step in range(25):
            own.append(run_id, [logged(step), logged(step)])

    threads = [threading.Thread(target=write, args=(own,)) for own in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [stored.seq for stored in store.events(run_id)] == list(range(1, 202))
    for own in stores:
        own.close()


def test_a_lost_claim_writes_nothing(store: Store) -> None:
    run_id = store.create(RunConfig())
    first = claims.claim(store, concurrent=1)
    assert first is not None
    store.append(run_id, [logged(1)], worker=first.worker)
    assert claims.break_claim(store, first, "gone", "resume")
    assert not claims.break_claim(store, first, "gone", "resume")
    with pytest.raises(LostRun):
        store.append(run_id, [logged(2)], worker=first.worker)
    run = store.run(run_id)
    assert (run.status, run.reason, run.step) == ("interrupted", "gone", 1)
    assert store.events(run_id)[-1].event["kind"] == "failed"


def test_a_full_database_says_so_and_keeps_what_it_had(store: Store) -> None:
    run_id = store.create(RunConfig())
    connection = store.database.connection()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")

    def fill() -> None:
        for step in range(1000):
            store.append(run_id, [logged(step)])

    with pytest.raises(StoreError, match="No space is left"):
        fill()
    seqs = [stored.seq for stored in store.events(run_id)]
    assert seqs == list(range(1, len(seqs) + 1))
    assert store.run(run_id).step == len(seqs) - 2  # the row of the failed transaction was not changed either


def test_a_locked_database_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    run_id = store.create(RunConfig())
    blocker = sqlite3.connect(store.database.path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    own = Store(store.home)
    with pytest.raises(StoreError, match="another program holds it"):
        own.append(run_id, [logged(1)])
    assert own.events(run_id)  # readers are never kept out
    blocker.close()
    own.append(run_id, [logged(1)])
    own.close()


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"no database at all " * 100, "damaged"), (None, "make the file and its folder writable")],
)
def test_a_strange_file_says_so(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "kdexplorer.db"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(StoreError, match=words):
        Store(tmp_path)


def test_a_newer_database_is_left_alone(store: Store) -> None:
    store.database.connection().execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer KD Explorer"):
        Store(store.home)


def test_a_long_history_stays_quick(store: Store) -> None:
    payload = logged(1).model_dump_json()
    with store.database.writing() as connection:
        connection.executemany(
            "INSERT INTO runs (id, name, status, owner, config, created, steps) VALUES (?, 'n', 'finished', '', ?, ?, 9)",
            ((f"run{n:05d}", RunConfig().to_json(), float(n)) for n in range(1000)),
        )
        connection.executemany(
            "INSERT INTO events VALUES (?, ?, 0, 'step', ?)",
            ((f"run{n:05d}", seq, payload) for n in range(1000) for seq in range(1, 51)),
        )
    begin = time.perf_counter()
    assert [run.id for run in store.runs(limit=100)][:2] == ["run00999", "run00998"]
    assert [stored.seq for stored in store.events("run00500", after=45)] == [46, 47, 48, 49, 50]
    assert time.perf_counter() - begin < 0.1
    plans = (
        "SELECT 1 FROM events WHERE run_id = 'a' AND seq > 3 ORDER BY seq LIMIT 5",
        "SELECT 1 FROM commands WHERE run_id = 'a' AND state = 'pending' LIMIT 1",
        "SELECT * FROM runs ORDER BY created DESC, rowid DESC LIMIT 100",
    )
    for plan in plans:
        steps = store.database.connection().execute(f"EXPLAIN QUERY PLAN {plan}").fetchall()
        assert "INDEX" in steps[0][3] or "PRIMARY KEY" in steps[0][3], steps
        assert len(steps) == 1, steps  # no sorting
