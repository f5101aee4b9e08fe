"""The objective: unweighted values, weights with their schedules, knobs."""

import pytest
import torch

from kdexplorer.config import LayerPair, Schedule, TermConfig, VariantConfig
from kdexplorer.distillation import Objective, Pair, Signals
from kdexplorer.distillation.pairing import pair_stages
from kdexplorer.distillation.schedule import factor_at
from kdexplorer.params import ConfigError

LOGITS = Pair((5,), (5,))


def objective(**term) -> Objective:
    config = VariantConfig(task_weight=0.1, terms=(TermConfig(method="soft_targets", **term),))
    return Objective(config, {"soft_targets": ()}, {"soft_targets": LOGITS})


def test_losses_are_unweighted_and_weights_apart():
    built = objective(weight=0.9, params={"temperature": 2.0})
    student, teacher = torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(0))
    task = torch.tensor(1.5)
    losses = built.losses(task, Signals(student, teacher), {})
    assert built.names == ["task", "soft_targets"]
    assert losses[0] is task
    assert built.weights(0, 100) == [0.1, 0.9]
    doubled = objective(weight=1.8, params={"temperature": 2.0})
    assert torch.equal(doubled.losses(task, Signals(student, teacher), {})[1], losses[1])


def test_knobs_turn_within_bounds_and_leave_the_config_alone():
    config = VariantConfig(terms=(TermConfig(method="soft_targets", weight=1.0),))
    built = Objective(config, {"soft_targets": ()}, {"soft_targets": LOGITS})
    assert set(built.knobs()) == {"task_weight", "soft_targets.weight", "soft_targets.temperature"}
    assert built.turn("soft_targets.temperature", 2) == (4.0, 2.0)
    assert built.turn("soft_targets.weight", 3.5) == (1.0, 3.5)
    assert built.turn("task_weight", 0) == (1.0, 0.0)
    assert built.weights(0, 1) == [0.0, 3.5]
    assert config.terms[0].weight == 1.0
    assert config.terms[0].params == {}
    for knob, value in [
        ("soft_targets.temperature", 0),
        ("soft_targets.weight", -1),
        ("task_weight", float("nan")),
    ]:
        with pytest.raises(ConfigError):
            built.turn(knob, value)
    with pytest.raises(ConfigError, match="there is no knob 'hint.weight'"):
        built.turn("hint.weight", 1)


@pytest.mark.parametrize(
    ("schedule", "factors"),
    [
        (Schedule(), [1, 1, 1]),
        (Schedule(kind="linear", start=0, end=2), [0, 1, 2]),
        (Schedule(kind="cosine", start=1, end=0), [1, 0.5, 0]),
        (Schedule(kind="warmup", until=50), [0, 1, 1]),
        (Schedule(kind="step", start=0, end=3, begin=50), [0, 3, 3]),
        (Schedule(kind="linear", start=1, end=0, begin=50), [1, 1, 0]),
    ],
)
def test_schedules(schedule, factors):
    assert [factor_at(schedule, step, 100) for step in (0, 50, 100)] == pytest.approx(factors)


def test_stages_are_paired_by_relative_depth():
    def names(pairs: tuple[LayerPair, ...]):
        return [(p.student, p.teacher) for p in pairs]

    deep, shallow = ["a1", "a2", "a3", "a4", "a5"], ["b1", "b2", "b3"]
    assert names(pair_stages(shallow, deep, "all")) == [("b1", "a1"), ("b2", "a3"), ("b3", "a5")]
    assert names(pair_stages(deep, shallow, "last")) == [("a5", "b3")]
    assert names(pair_stages(shallow, shallow, "middle")) == [("b2", "b2")]
    assert pair_stages(shallow, deep, "none") == ()
    assert names(pair_stages(["only"], deep, "all")) == [("only", "a5")]


def test_a_term_that_does_not_fit_is_refused():
    config = VariantConfig(terms=(TermConfig(method="soft_targets"),))
    with pytest.raises(ConfigError, match="Soft targets does not fit this pair: .*5 and 7 classes"):
        Objective(config, {"soft_targets": ()}, {"soft_targets": Pair((5,), (7,))})
