"""Several seeds of one configuration: one batch, all or nothing, and what they say together."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scipy import stats

from kdexplorer.config import RunConfig, with_values
from kdexplorer.events import (
    CostMeasured,
    Evaluated,
    NetworkCost,
    RunFinished,
    RunStarted,
    Verdict,
)
from kdexplorer.params import ConfigError
from kdexplorer.runs import PUBLIC_SPACE, Limits, Manager, Refused, Store
from kdexplorer.runs.comparison import batches, facts, varied
from kdexplorer.runs.executors import Inline
from kdexplorer.runs.seeds import t_interval

Digits = Callable[..., RunConfig]
ANN = "a" * 32
METRIC = {"id": "accuracy", "title": "Accuracy", "unit": "%", "digits": 1, "higher_is_better": True, "convention": "top-1"}  # fmt: skip


def finish(store: Store, run_id: str, difference: float, *, status: str = "finished") -> None:
    """Give a run an end with this difference to its control."""
    verdict = Verdict(
        metric="accuracy", variant="distilled", value=80 + difference, control=80.0, difference=difference,
        low=difference - 1, high=difference + 1, better=3, worse=2, total=8, sentence="",
    )  # fmt: skip
    started = RunStarted.model_validate(
        {"steps": 4, "device": "cpu", "threads": 1, "torch": "", "teacher": None, "metrics": (METRIC,),
         "student": {"model": "mlp", "parameters": 9}, "variants": ("distilled", "control")}
    )  # fmt: skip
    scores = {"distilled": {"accuracy": 80 + difference}, "control": {"accuracy": 80.0}}
    cost = CostMeasured(
        step=4, networks={"student": NetworkCost(parameters=9, multiply_adds=8, latency_ms=0.5)}
    )
    reason = "completed" if status == "finished" else "stopped"
    end = RunFinished.model_validate({"step": 4, "reason": reason, "seconds": 1.0})
    store.append(run_id, [started, Evaluated(step=4, variants=scores, verdicts=(verdict,)), cost, end])


def test_seeds_are_one_batch_in_order(store: Store, digits: Digits) -> None:
    manager = Manager(store, executor=Inline())
    runs = manager.start_seeds(digits(steps=1, seed=7), 3, actor=ANN)
    found = [store.run(run) for run in runs]
    assert [run.config.training.seed for run in found] == [7, 8, 9]
    assert [run.status for run in found] == ["finished"] * 3
    assert len({run.batch for run in found}) == 1
    assert found[0].batch
    assert [run.config.model_copy(update={"training": found[0].config.training}) for run in found] == [
        found[0].config
    ] * 3
    alone = manager.start_seeds(digits(steps=1), [4], actor=ANN)
    assert (store.run(alone[0]).batch, store.run(alone[0]).config.training.seed) == ("", 4)


def test_all_seeds_start_or_none(store: Store, digits: Digits) -> None:
    full = Manager(store, Limits(queue_length=2, concurrent_runs=0))
    with pytest.raises(Refused, match="fewer seeds"):
        full.start_seeds(digits(), 3, actor=None)
    public = Manager(store, PUBLIC_SPACE.model_copy(update={"concurrent_runs": 0}))
    with pytest.raises(Refused, match="have 0: take fewer seeds"):
        public.start_seeds(digits(), 5, actor=ANN)
    for seeds in (0, 11, [1, 1], [], -1):
        with pytest.raises(ConfigError, match="seeds"):
            full.start_seeds(digits(), seeds, actor=None)
    with pytest.raises(ConfigError, match=r"training\.seed"):
        full.start_seeds(digits(seed=2**31 - 1), 2, actor=None)
    assert store.runs() == []
    assert list((store.home / "runs").iterdir()) == []
    queued = full.start_seeds(digits(), 2, actor=None)
    assert [store.run(run).queue_position for run in queued] == [1, 2]


@pytest.mark.parametrize("count", [2, 3, 5, 13, 14, 30])
def test_the_interval_is_students(count: int) -> None:
    values = [0.1 * (n * n % 7) for n in range(count)]
    found = t_interval(values)
    low, high = stats.t.interval(
        0.95, count - 1, loc=float(sum(values) / count), scale=float(stats.sem(values))
    )
    assert found == pytest.approx((sum(values) / count, low, high), abs=2e-4)


def test_one_seed_has_no_interval() -> None:
    with pytest.raises(ValueError, match="two"):
        t_interval([1.0])


def test_a_batch_is_averaged_over_the_seeds_that_finished(store: Store, digits: Digits) -> None:
    runs = store.create_batch([digits(seed=seed) for seed in range(4)])
    other = store.create(digits(seed=9))
    for run, difference in zip(runs, (1.0, 2.0, 3.0), strict=False):
        finish(store, run, difference)
    finish(store, runs[3], -50.0, status="stopped")
    finish(store, other, 5.0)
    found = [facts(store, run) for run in store.chosen([*runs, other])]
    (mean,) = batches(found)
    assert (mean["count"], mean["members"], mean["variant"]) == (3, 4, "distilled")
    assert (mean["difference"], mean["value"], mean["control"]) == pytest.approx((2.0, 82.0, 80.0))
    assert (mean["low"], mean["high"]) == pytest.approx((2 - 2.4841, 2 + 2.4841), abs=1e-3)
    assert batches(found[:1]) == []


def test_facts_hold_what_a_comparison_needs(store: Store, digits: Digits) -> None:
    first, second = store.create(digits(seed=1)), store.create(with_values(digits(), {"data.held_out": 9}))
    for run in (first, second):
        finish(store, run, 1.0)
    waiting = store.create(digits())
    one, two, three = (facts(store, run) for run in store.chosen([first, second, waiting]))
    assert one["measure"] == two["measure"] == "classification|accuracy|%|top-1"
    assert one["test"] != two["test"]
    assert three["measure"] is None
    assert one["cost"]["student"] == {
        "parameters": 9,
        "multiply_adds": 8,
        "latency_ms": 0.5,
        "peak_bytes": None,
    }
    assert one["settings"]["training.seed"] == 1
    assert store.chosen([second, "gone0000", first])[0].id == second


def test_many_runs_are_a_table_of_what_varies(store: Store, digits: Digits) -> None:
    for seed in range(3):
        finish(store, store.create(digits(seed=seed)), float(seed))
    store.create(digits(seed=8))
    found = varied(store, store.runs())
    assert found["paths"] == ["training.seed"]
    assert [(run["values"], run["difference"]) for run in found["runs"]] == [
        ([2], 2.0),
        ([1], 1.0),
        ([0], 0.0),
    ]


def sweep(store: Store, digits: Digits, seed: int, **differences: float) -> str:
    """A finished run with a variant a temperature: `t8=1.5` has T = 8 and gains 1.5."""
    one = digits(seed=seed).model_dump(mode="json")
    term = one["variants"][0]["terms"][0]
    one["variants"] = [
        {"name": name, "terms": [{**term, "params": {"temperature": float(name[1:])}}]}
        for name in differences
    ]
    run = store.create(RunConfig.from_dict(one))
    verdicts = tuple(
        Verdict(
            metric="accuracy", variant=name, value=80 + difference, control=80.0, difference=difference,
            low=difference - 1, high=difference + 1, better=3, worse=2, total=8, sentence="",
        )
        for name, difference in differences.items()
    )  # fmt: skip
    finish(store, run, 0.0)
    scores = {name: {"accuracy": 80 + difference} for name, difference in differences.items()}
    store.append(run, [Evaluated(step=4, variants=scores, verdicts=verdicts)])
    return run


def test_each_variant_is_a_row_with_its_own_settings_and_its_own_result(store: Store, digits: Digits) -> None:
    sweep(store, digits, 0, t1=-3.0, t8=5.0)
    sweep(store, digits, 1, t2=1.0)
    found = varied(store, store.runs())
    assert dict(zip(found["paths"], found["titles"], strict=True)) == {
        "terms.soft_targets.params.temperature": ("Soft targets", "Temperature"),
        "training.seed": ("Seed",),
    }
    at = found["paths"].index("terms.soft_targets.params.temperature")
    rows = {row["variant"]: (row["values"][at], row["difference"], row["alone"]) for row in found["runs"]}
    assert rows == {"t1": (1.0, -3.0, False), "t8": (8.0, 5.0, False), "t2": (2.0, 1.0, True)}


def test_what_was_only_looked_at_before_the_first_step_is_no_result(store: Store, digits: Digits) -> None:
    run = store.create(digits())
    finish(store, run, 0.0)
    (last,) = [stored.event for stored in store.events(run, kinds=("evaluated",))]
    store.append(run, [Evaluated.model_validate({**last, "step": 0})])
    assert facts(store, store.run(run))["verdicts"] == []
    assert varied(store, store.runs())["runs"] == []


def test_without_measured_costs_the_parameters_are_known(store: Store, digits: Digits) -> None:
    run = store.create(digits())
    started = RunStarted.model_validate(
        {"steps": 4, "device": "cpu", "threads": 1, "torch": "", "teacher": None, "metrics": (METRIC,),
         "student": {"model": "mlp", "parameters": 9}, "variants": ("distilled", "control")}
    )  # fmt: skip
    store.append(run, [started])
    assert facts(store, store.run(run))["cost"] == {"student": {"parameters": 9}}
