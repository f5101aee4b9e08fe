"""Real worker processes: killed, stopped, orphaned, kept warm."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from kdexplorer import training
from kdexplorer.commands import Extend, Pause, SetKnob, Step, Stop
from kdexplorer.config import RunConfig
from kdexplorer.presets import presets
from kdexplorer.runs import Manager, Store, claims
from kdexplorer.runs import worker as worker_process
from kdexplorer.runs.executors import LocalProcess, Spare

Digits = Callable[..., RunConfig]
Until = Callable[..., dict[str, Any]]
LONG = {"steps": 100_000, "log_every": 20, "evaluate_every": 1_000_000, "checkpoint_every": 50}


@pytest.fixture
def manager(store: Store) -> Iterator[Manager]:
    executor = LocalProcess(store.home)
    made = Manager(store, executor=executor)
    yield made
    made.close()
    for pid in {found.pid for found in claims.held(store)}:
        os.kill(pid, signal.SIGKILL)
    while executor.reap():
        time.sleep(0.02)


def pid_of(store: Store, run_id: str) -> int:
    return next(found.pid for found in claims.held(store) if found.claim.run_id == run_id)


def weights(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "students").glob("*.safetensors")}


def replay(config: RunConfig, commands: dict[int, list[Any]], folder: Path) -> None:
    from kdexplorer.training import ScriptedControl, fit

    for _ in fit(config, ScriptedControl(commands), folder=folder):
        pass


def test_kill_9_and_resume_give_the_bits_of_an_undisturbed_run(
    store: Store, manager: Manager, digits: Digits, until: Until, tmp_path: Path
) -> None:
    config = digits(steps=40, checkpoint_every=8)
    run_id = store.new_id()
    store.create(config, run_id=run_id)
    store.send(run_id, Step(count=9))  # there from the beginning: nine steps, then a pause
    manager.tick()
    until(run_id, "paused")
    wait_for_step(store, run_id, 9)
    manager.command(run_id, SetKnob(knob="distilled.soft_targets.temperature", value=9.0), actor=None)
    manager.command(run_id, Step(count=2), actor=None)
    manager.command(run_id, Extend(steps=6), actor=None)
    until(run_id, "knob")
    until(run_id, "extended")
    wait_for_step(store, run_id, 11)
    worker = pid_of(store, run_id)
    os.kill(worker, signal.SIGKILL)
    failed = until(run_id, "failed", manager=manager)
    run = store.run(run_id)
    assert run.status == "interrupted"
    assert failed["reason"] == "The worker was killed (signal 9, SIGKILL)."
    assert failed["advice"].endswith("Resume goes on from step 8.")
    assert manager.checkpoints(run_id) == [8]

    manager.resume(run_id, actor=None)
    until(run_id, "finished", manager=manager)
    resumed = [stored.event["step"] for stored in store.events(run_id, kinds=("resumed",))]
    assert resumed == [8]
    assert store.run(run_id).step == 46
    knobs = [stored.event for stored in store.events(run_id, kinds=("knob",))]
    assert [(knob["step"], knob["new"]) for knob in knobs] == [(9, 9.0), (9, 9.0)]

    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    script = {9: [SetKnob(knob="distilled.soft_targets.temperature", value=9.0), Extend(steps=6)]}
    replay(config, script, undisturbed)
    mine, theirs = weights(store.folder(run_id)), weights(undisturbed)
    assert set(mine) == {"control.safetensors", "distilled.safetensors"}
    assert mine == theirs


def wait_for_step(store: Store, run_id: str, step: int) -> None:
    deadline = time.monotonic() + 200
    while store.run(run_id).step < step:
        assert time.monotonic() < deadline, store.run(run_id)
        time.sleep(0.02)


def test_a_worker_outlives_the_process_that_started_it(store: Store, digits: Digits, until: Until) -> None:
    config = digits(**LONG)
    code = (
        "import sys; from kdexplorer.config import RunConfig; from kdexplorer.runs import Manager, Store;"
        "print(Manager(Store()).start(RunConfig.from_json(sys.argv[1]), actor=None), flush=True);"
        "import os; os.kill(os.getpid(), 9)"
    )
    server = subprocess.run(
        [sys.executable, "-c", code, config.to_json()],
        stdout=subprocess.PIPE,
        text=True,
        timeout=200,
        check=False,
    )
    assert server.returncode == -signal.SIGKILL
    run_id = server.stdout.strip()
    until(run_id, "step", count=2)
    manager = Manager(store)  # a restarted server finds it
    manager.mourn()
    assert store.run(run_id).status == "running"
    worker = pid_of(store, run_id)
    assert os.getsid(worker) == worker
    manager.command(run_id, Pause(), actor=None)
    until(run_id, "paused")
    assert store.run(run_id).status == "paused"
    manager.command(run_id, Stop(), actor=None)
    finished = until(run_id, "finished")
    assert finished["reason"] == "stopped"
    assert manager.checkpoints(run_id)[-1] == store.run(run_id).step


def test_sigterm_stops_and_keeps_everything_and_the_next_run_follows(
    store: Store, manager: Manager, digits: Digits, until: Until
) -> None:
    first = manager.start(digits(**LONG), actor=None)
    second = manager.start(digits(steps=2), actor=None)
    assert store.run(second).queue_position == 1
    until(first, "step")
    worker = pid_of(store, first)
    os.kill(worker, signal.SIGTERM)
    until(first, "finished")
    assert store.run(first).status == "stopped"
    assert manager.checkpoints(first)[-1] == store.run(first).step
    # Nobody ticks here: the worker itself starts what waits.
    until(second, "finished")
    assert store.run(second).status == "finished"


def test_a_segfault_shows_with_its_signal(
    store: Store, manager: Manager, digits: Digits, until: Until
) -> None:
    run_id = manager.start(digits(**LONG), actor=None)
    until(run_id, "step")
    os.kill(pid_of(store, run_id), signal.SIGSEGV)
    failed = until(run_id, "failed", manager=manager)
    assert "signal 11, SIGSEGV" in failed["reason"]
    assert "Fatal Python error: Segmentation fault" in (store.folder(run_id) / "worker.log").read_text()


def test_a_worker_that_cannot_begin_says_why(
    store: Store,
    manager: Manager,
    digits: Digits,
    until: Until,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('this torch is broken')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    run_id = manager.start(digits(), actor=None)
    failed = until(run_id, "failed", manager=manager)
    assert "this torch is broken" in failed["reason"]
    assert failed["advice"] == "Resume begins again."


def test_a_spare_describes_then_trains_and_one_is_enough(
    store: Store, manager: Manager, digits: Digits, until: Until
) -> None:
    manager.warm()
    manager.warm()
    assert len(psutil.Process().children()) == 1
    spare = psutil.Process().children()[0].pid
    deadline = time.monotonic() + 200
    while "reason" in (facts := manager.describe(digits())):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert facts["student"]["parameters"] > 0
    begin = time.monotonic()
    run_id = manager.start(digits(**LONG), actor=None)
    assert time.monotonic() - begin < 1  # whoever pressed the button does not wait for the worker
    assert pid_of(store, run_id) == spare
    until(run_id, "step")
    assert manager.describe(digits()) == {"reason": "No worker is ready to look at the networks."}
    manager.tick()
    assert [child.pid for child in psutil.Process().children()] == [
        spare
    ]  # not warmed in a run's first seconds
    manager.command(run_id, Stop(), actor=None)
    until(run_id, "finished")


def test_a_spare_ends_when_its_server_is_gone(store: Store) -> None:
    spare = Spare(store.home, log=store.home / "spare.log")
    assert spare.process.stdin is not None
    spare.process.stdin.close()  # what the system does when the server dies
    assert spare.process.wait(200) == 0


def test_only_the_presets_one_begins_with_are_warmed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = list[str]()

    def fit(config: RunConfig, **_: Any) -> Iterator[str]:
        begun.append(config.name)
        yield "a step"

    monkeypatch.setattr(training, "fit", fit)
    list(worker_process.warm_up())
    first = [found["config"]["name"] for found in presets().values() if found.get("group") == "start"]
    assert begun == first
    assert 0 < len(first) < len(presets()) / 3


def test_what_fails_while_it_describes_ends_no_worker(
    monkeypatch: pytest.MonkeyPatch, digits: Digits
) -> None:
    def fails(config: RunConfig) -> None:
        raise NotImplementedError("a tensor of an odd kind")

    monkeypatch.setattr(training, "describe", fails)
    answer = worker_process._answer({"op": "describe", "id": 3, "config": digits().model_dump(mode="json")})
    assert answer["id"] == 3
    assert "NotImplementedError" in answer["facts"]["problems"][0]
