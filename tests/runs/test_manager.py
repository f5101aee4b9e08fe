"""The manager: the queue, who may do what, limits, forks and removal."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from kdexplorer.commands import Extend, Pause, SetKnob, Stop
from kdexplorer.config import RunConfig, with_values
from kdexplorer.events import CheckpointSaved, Event, KnobTurned, StepsExtended
from kdexplorer.params import ConfigError
from kdexplorer.presets import preset_config
from kdexplorer.runs import LOCAL, PUBLIC_SPACE, Limits, Manager, Refused, Store, claims
from kdexplorer.runs.checkpoints import config_at
from kdexplorer.runs.executors import Inline

Digits = Callable[..., RunConfig]
ANN, BOB = "a" * 32, "b" * 32


@pytest.fixture
def inline(store: Store) -> Manager:
    return Manager(store, executor=Inline())


def kinds(store: Store, run_id: str) -> list[str]:
    return [stored.event["kind"] for stored in store.events(run_id)]


def busy(store: Store) -> claims.Claim:
    """A run that this very process holds, so that others wait."""
    store.create(RunConfig(name="busy"))
    claimed = claims.claim(store, concurrent=None)
    assert claimed is not None
    return claimed


def test_the_events_of_a_run_are_exactly_these(store: Store, inline: Manager, digits: Digits) -> None:
    run_id = inline.start(digits(steps=4, log_every=2, evaluate_every=2, checkpoint_every=2), actor=None)
    assert [kind for kind in kinds(store, run_id) if kind != "preview"] == [  # those depend on the time they take
        "queued", "started", "evaluated", "step", "step", "evaluated", "checkpoint", "step", "evaluated",
        "checkpoint", "cost", "finished",
    ]  # fmt: skip
    run = store.run(run_id)
    assert (run.status, run.step, run.reason) == ("finished", 4, "")
    assert set(run.results["variants"]) == {"distilled", "control"}
    assert run.verdict
    assert inline.checkpoints(run_id) == [2, 4]


def test_runs_wait_in_order_and_never_start_twice(store: Store) -> None:
    first = busy(store)
    runs = [store.create(RunConfig(name=str(n))) for n in range(12)]
    assert [store.run(run).queue_position for run in runs] == list(range(1, 13))
    assert claims.claim(store, concurrent=1) is None
    claims.break_claim(store, first, "over", "")
    got: list[str] = []
    barrier = threading.Barrier(4)

    def race() -> None:
        own = Store(store.home)
        barrier.wait()
        while claimed := claims.claim(own, concurrent=12):
            got.append(claimed.run_id)
        own.close()

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(runs)
    with store.database.reading() as connection:
        rows = connection.execute("SELECT id FROM runs WHERE name != 'busy' ORDER BY started, queued")
        assert [row[0] for row in rows] == runs


def test_two_managers_claim_one_run_at_a_time(store: Store) -> None:
    for _ in range(6):
        store.create(RunConfig())
    got: list[claims.Claim | None] = []
    barrier = threading.Barrier(4)

    def race() -> None:
        own = Store(store.home)
        barrier.wait()
        got.append(claims.claim(own, concurrent=1))
        own.close()

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(claimed is not None for claimed in got) == 1


def test_a_second_start_waits_and_follows(store: Store, inline: Manager, digits: Digits) -> None:
    first = busy(store)
    second = inline.start(digits(steps=2), actor=None)
    third = inline.start(digits(steps=2), actor=None)
    assert [store.run(run).queue_position for run in (second, third)] == [1, 2]
    assert kinds(store, second) == ["queued"]
    claims.break_claim(store, first, "over", "")
    inline.tick()
    assert [store.run(run).status for run in (second, third)] == ["finished", "finished"]
    assert (store.run(second).started or 0) < (store.run(third).started or 0)


def test_a_lost_worker_is_noticed(store: Store, inline: Manager) -> None:
    claimed = busy(store)
    inline.mourn()
    assert store.run(claimed.run_id).status == "running"  # this process holds it, and lives
    with store.database.writing() as connection:  # as if another process with our number had begun since
        connection.execute("UPDATE runs SET pid_started = 1 WHERE id = ?", (claimed.run_id,))
    inline.mourn()
    run = store.run(claimed.run_id)
    assert (run.status, run.advice) == ("interrupted", "Resume begins again.")
    assert "ended without a word" in run.reason
    assert kinds(store, claimed.run_id) == ["queued", "failed"]


def test_another_machines_worker_is_judged_by_its_heartbeat(store: Store, inline: Manager) -> None:
    claimed = busy(store)
    with store.database.writing() as connection:
        connection.execute("UPDATE runs SET host = 'elsewhere', pid = 1")
    inline.mourn()
    assert store.run(claimed.run_id).status == "running"
    with store.database.writing() as connection:
        connection.execute("UPDATE runs SET heartbeat = heartbeat - 11")
    inline.mourn()
    assert store.run(claimed.run_id).status == "interrupted"


def test_others_may_watch_not_control(store: Store, digits: Digits) -> None:
    busy(store)
    manager = Manager(store, PUBLIC_SPACE, Inline())
    run_id = manager.start(digits(steps=2), actor=ANN)
    local = manager.start(digits(steps=2), actor=None)
    assert ANN not in store.run(run_id).owner  # the token itself is not kept
    assert [manager.may_control(run_id, actor) for actor in (ANN, BOB, None)] == [True, False, True]
    assert [manager.may_control(local, actor) for actor in (ANN, None)] == [False, True]
    assert Manager(store, LOCAL, Inline()).may_control(local, ANN)  # the page of the machine's own person
    assert not manager.may_control("00000000", ANN)
    for forbidden in (
        lambda: manager.command(run_id, Stop(), actor=BOB),
        lambda: manager.resume(run_id, actor=BOB),
        lambda: manager.delete(run_id, actor=BOB),
        lambda: manager.rename(run_id, "mine", actor=BOB),
    ):
        with pytest.raises(Refused, match="someone else's run"):
            forbidden()
    manager.rename(run_id, "  mine \n now ", actor=ANN)
    assert store.run(run_id).name == "mine now"


def test_a_waiting_run_can_be_stopped_only(store: Store, inline: Manager, digits: Digits) -> None:
    busy(store)
    run_id = inline.start(digits(), actor=ANN)
    with pytest.raises(Refused, match="waits for its turn"):
        inline.command(run_id, Pause(), actor=ANN)
    inline.command(run_id, Stop(), actor=ANN)
    assert store.run(run_id).status == "stopped"
    with pytest.raises(Refused, match="resume it"):
        inline.command(run_id, Pause(), actor=ANN)


def test_limits_are_checked_on_the_server(store: Store, digits: Digits) -> None:
    busy(store)
    limits = Limits(max_steps=100, max_batch=16, queue_length=2, runs_per_owner=1, allow_paths=False)
    manager = Manager(store, limits, Inline())
    with pytest.raises(ConfigError, match=r"training.steps: at most 100 here \(got 200\)."):
        manager.start(digits(steps=200, batch_size=64), actor=ANN)
    with pytest.raises(ConfigError, match="files of this machine are closed"):
        manager.start(with_values(digits(), {"teacher.weights": "file:/etc/passwd"}), actor=ANN)
    run_id = manager.start(digits(), actor=ANN)
    with pytest.raises(Refused, match="You have 1 runs"):
        manager.start(digits(), actor=ANN)
    manager.start(digits(), actor=BOB)
    with pytest.raises(Refused, match="2 runs are waiting already"):
        manager.start(digits(), actor=None)
    with pytest.raises(Refused, match="at most 100 steps"):
        manager.command(run_id, Extend(steps=89), actor=ANN)


def test_a_network_beyond_the_limit_fails_before_it_is_built(store: Store, digits: Digits) -> None:
    manager = Manager(store, Limits(max_parameters=100), Inline())
    run = store.run(manager.start(digits(), actor=None))
    assert run.status == "failed"
    assert "parameters, more than the 100 allowed here" in run.reason
    assert kinds(store, run.id) == ["queued", "failed"]


def test_the_time_limit_stops_and_says_so(store: Store, digits: Digits) -> None:
    manager = Manager(store, Limits(max_seconds=0.5), Inline())
    run = store.run(
        manager.start(digits(steps=1_000_000, log_every=100, evaluate_every=1_000_000), actor=None)
    )
    assert run.status == "stopped"
    assert "Stopped after 0.5 s" in run.reason
    assert manager.checkpoints(run.id)[-1] == run.step


def test_bad_names_and_values_are_refused_before_the_queue(
    store: Store, inline: Manager, digits: Digits
) -> None:
    with pytest.raises(ConfigError, match="Unknown model 'nope'"):
        inline.start(with_values(digits(), {"student.id": "nope"}), actor=None)
    assert store.runs() == []


def test_a_fork_knows_its_parent_and_outlives_it(store: Store, inline: Manager, digits: Digits) -> None:
    parent = inline.start(digits(), actor=ANN)
    assert inline.checkpoints(parent) == [4, 8, 12]
    changes = {"variants.distilled.terms.soft_targets.weight": 3.0, "training.steps": 16}
    child = inline.fork(parent, step=9, changes=changes, actor=BOB)
    run = store.run(child)
    assert (run.parent, run.parent_step, run.status, run.step) == (parent, 8, "finished", 16)
    assert run.config.variants[0].terms[0].weight == 3.0
    assert kinds(store, child)[:3] == ["queued", "started", "resumed"]
    first = store.last(child, "resumed")
    assert first is not None
    assert first.event["step"] == 8
    with pytest.raises(ConfigError, match="needs more than that"):
        inline.fork(parent, step=None, changes={}, actor=BOB)
    with pytest.raises(Refused, match="no checkpoint at or before step 3"):
        inline.fork(parent, step=3, changes={}, actor=BOB)
    with pytest.raises(ConfigError):
        inline.fork(parent, step=4, changes={"training.steps": -1}, actor=BOB)
    before = sorted(path.name for path in (store.home / "runs").iterdir())
    inline.delete(parent, actor=ANN)
    assert sorted(path.name for path in (store.home / "runs").iterdir()) == [n for n in before if n != parent]
    assert inline.checkpoints(child) == [8, 12, 16]
    grandchild = inline.fork(child, step=8, changes={"training.steps": 9}, actor=ANN)
    assert store.run(grandchild).status == "finished"


def test_a_forks_config_has_the_knobs_of_its_moment(digits: Digits) -> None:
    knob = "distilled.soft_targets.temperature"
    events = [
        KnobTurned(step=2, knob="learning_rate", old=1, new=0.5),
        KnobTurned(step=4, knob=knob, old=4, new=8),
        StepsExtended(step=4, steps=20),
        CheckpointSaved(step=4, folder="checkpoints/00000004"),
        KnobTurned(step=4, knob=knob, old=8, new=16),
        KnobTurned(step=5, knob="control.task_weight", old=1, new=2),
        KnobTurned(step=6, knob="distilled.soft_targets.weight", old=1, new=7),
    ]
    config = config_at(digits(), events, 4)
    assert (config.training.learning_rate, config.training.steps) == (0.5, 20)
    assert config.variants[0].terms[0].params == {"temperature": 8}
    assert config.variants[0].terms[0].weight == 1.0


def test_a_finished_run_takes_more_steps(store: Store, inline: Manager, digits: Digits) -> None:
    run_id = inline.start(digits(), actor=ANN)
    with pytest.raises(Refused, match="all its steps"):
        inline.resume(run_id, actor=ANN)
    inline.command(run_id, Extend(steps=5), actor=ANN)
    assert (store.run(run_id).status, store.run(run_id).step, store.run(run_id).steps) == ("finished", 17, 17)


def test_delete_removes_the_run_and_follows_no_link(
    store: Store, inline: Manager, digits: Digits, tmp_path: Path
) -> None:
    held = busy(store)
    with pytest.raises(Refused, match="stop it first"):
        inline.delete(held.run_id, actor=None)
    run_id = inline.start(digits(), actor=None)
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    shutil.rmtree(store.folder(run_id))
    store.folder(run_id).symlink_to(precious)
    with pytest.raises(Refused, match="is a link"):
        inline.delete(run_id, actor=None)
    store.folder(run_id).unlink()
    store.folder(run_id).mkdir()
    (store.folder(run_id) / "inner").symlink_to(precious)
    inline.delete(run_id, actor=None)
    assert (precious / "file").exists()
    assert not store.folder(run_id).exists()
    assert run_id not in [run.id for run in store.runs()]
    assert store.events(run_id) == []


def test_a_full_store_fails_the_run_in_words(store: Store, inline: Manager, digits: Digits) -> None:
    full = Store(store.home)
    run_id = full.create(digits(steps=100_000, log_every=1, evaluate_every=1_000_000))
    connection = full.database.connection()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 4}")
    Manager(full, executor=Inline()).tick()
    run = store.run(run_id)
    assert run.status == "failed"
    assert "No space is left" in run.reason
    full.close()


def test_a_crash_of_the_loop_shows_as_a_failed_run(
    store: Store,
    inline: Manager,
    digits: Digits,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import kdexplorer.training.session

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(kdexplorer.training.session, "save_checkpoint", broken)
    run = store.run(inline.start(digits(), actor=None))
    assert (run.status, run.reason) == ("failed", "ZeroDivisionError: a fault of ours")
    assert run.advice == "Resume begins again."
    assert "save_checkpoint" in capsys.readouterr().err


def test_an_aborted_run_can_be_resumed(store: Store, digits: Digits) -> None:
    def abort(event: Event) -> None:
        if event.step == 6:
            raise KeyboardInterrupt  # a second Ctrl-C

    with pytest.raises(KeyboardInterrupt):
        Manager(store, executor=Inline(abort)).start(digits(), actor=None)
    run = store.run(store.resolve("latest"))
    assert (run.status, run.reason) == ("interrupted", "It was aborted.")
    assert run.advice == "Resume goes on from step 4."
    Manager(store, executor=Inline()).resume(run.id, actor=None)
    run = store.run(run.id)
    assert (run.status, run.step, run.reason) == ("finished", 12, "")


def test_describe_counts_parameters(inline: Manager, digits: Digits) -> None:
    facts = inline.describe(digits())
    assert facts["student"]["parameters"] > 0
    assert facts["compression"] == 1.0


def test_set_on_an_unknown_run_says_so(inline: Manager) -> None:
    with pytest.raises(ConfigError, match="There is no run"):
        inline.command("00000000", SetKnob(knob="learning_rate", value=1), actor=None)


def test_terms_that_need_more_memory_than_allowed_are_refused_in_words():
    from kdexplorer.training import describe

    values = preset_config("dckd").model_dump(mode="json")
    values["training"]["batch_size"], values["data"]["patch"] = 128, 128
    values["variants"][0]["terms"][1]["params"] = {"negatives": 16}
    config = RunConfig.from_dict(values)
    PUBLIC_SPACE.check(config)  # the configuration alone does not tell
    terms = describe(config)["terms"]
    with pytest.raises(ConfigError, match="The distillation terms need .* GB, more than the 4 GB"):
        PUBLIC_SPACE.check_terms(terms)
    LOCAL.check_terms(terms)
    PUBLIC_SPACE.check_terms(describe(preset_config("dckd"))["terms"])
