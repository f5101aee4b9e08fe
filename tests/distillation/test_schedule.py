"""How weights and parameters move over a run."""

import pytest
import torch

from kdexplorer.catalog import check_config
from kdexplorer.config import Active, Schedule, TermConfig, VariantConfig, with_values
from kdexplorer.distillation import Objective, Pair, Signals
from kdexplorer.distillation.methods.soft_targets import soft_target_loss
from kdexplorer.distillation.schedule import factor_at, is_active
from kdexplorer.params import ConfigError
from kdexplorer.presets import preset_config

LOGITS = Pair((5,), (5,))


def objective(variant=None, **term) -> Objective:
    config = VariantConfig(terms=(TermConfig(method="soft_targets", **term),), **(variant or {}))
    return Objective(config, {"soft_targets": ()}, {"soft_targets": LOGITS})


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


def test_hard_to_soft_hands_over_from_labels_to_the_teacher():
    falling, rising = Schedule(kind="linear", start=1, end=0), Schedule(kind="linear", start=0, end=1)
    built = objective({"task_schedule": falling}, schedule=rising)
    assert built.weights(0, 100) == {"task": 1, "soft_targets": 0}
    assert built.weights(25, 100) == {"task": 0.75, "soft_targets": 0.25}
    assert built.weights(100, 100) == {"task": 0, "soft_targets": 1}


def test_an_adaptive_temperature_is_what_the_loss_sees_and_its_knob_still_turns():
    falling = Schedule(kind="linear", start=3, end=1)
    built = objective(params={"temperature": 1.0}, schedules={"temperature": falling})
    student, teacher = torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(0))
    seen = {"soft_targets": Signals(student, teacher)}
    for step, temperature in ((0, 3), (50, 2), (100, 1)):
        loss = built.losses(torch.zeros(()), seen, step, 100)["soft_targets"]
        assert torch.equal(loss, soft_target_loss(student, teacher, temperature))
    built.turn("soft_targets.temperature", 2)
    assert built.knobs()["soft_targets.temperature"][0] == 2
    assert built.terms[0].params_at(50, 100)["temperature"] == 4


def test_a_moved_parameter_stays_within_its_bounds():
    up = objective(schedules={"temperature": Schedule(kind="step", start=0, end=1000, begin=1)})
    assert [up.terms[0].params_at(step, 9)["temperature"] for step in (0, 1)] == [0.5, 20]


def test_only_live_parameters_move():
    with pytest.raises(ConfigError, match="'nonsense' cannot follow a schedule"):
        objective(schedules={"nonsense": Schedule()})
    changes = {"variants.0.terms.soft_targets.schedules": {"heat": {"kind": "warmup"}}}
    config = with_values(preset_config("shapes"), changes)
    with pytest.raises(ConfigError, match="'heat' cannot move; of soft_targets there can: temperature"):
        check_config(config)


def test_stages_begin_and_end():
    assert [is_active(Active(), step) for step in (0, 10**6)] == [True, True]
    assert [is_active(Active(begin=2, until=4), step) for step in range(5)] == [0, 0, 1, 1, 0]
    assert [is_active(Active(begin=2), step) for step in (1, 2, 9)] == [False, True, True]
    with pytest.raises(ValueError, match="ends after it begins"):
        Active(begin=4, until=4)


def test_a_term_of_another_stage_is_neither_computed_nor_weighed():
    built = objective(active=Active(begin=3))
    assert built.losses(torch.zeros(()), {}, 2, 9).keys() == built.weights(2, 9).keys() == {"task"}
    assert built.weights(3, 9).keys() == {"task", "soft_targets"}
