"""The objective: unweighted values, weights apart, knobs."""

import pytest
import torch

from kdexplorer.config import TermConfig, VariantConfig
from kdexplorer.distillation import Objective, Pair, Signals
from kdexplorer.params import ConfigError

LOGITS = Pair((5,), (5,))


def objective(**term) -> Objective:
    config = VariantConfig(task_weight=0.1, terms=(TermConfig(method="soft_targets", **term),))
    return Objective(config, {"soft_targets": ()}, {"soft_targets": LOGITS})


def test_losses_are_unweighted_and_weights_apart():
    built = objective(weight=0.9, params={"temperature": 2.0})
    student, teacher = torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(0))
    task = torch.tensor(1.5)
    seen = {"soft_targets": Signals(student, teacher)}
    losses = built.losses(task, seen, 0, 100)
    assert built.names == [*losses] == ["task", "soft_targets"]
    assert losses["task"] is task
    assert built.weights(0, 100) == {"task": 0.1, "soft_targets": 0.9}
    doubled = objective(weight=1.8, params={"temperature": 2.0})
    assert torch.equal(doubled.losses(task, seen, 0, 100)["soft_targets"], losses["soft_targets"])
    total, weights = built.total(losses, 0, 100)
    assert weights == built.weights(0, 100)
    assert total == pytest.approx(0.1 * 1.5 + 0.9 * float(losses["soft_targets"]))


def test_knobs_turn_within_bounds_and_leave_the_config_alone():
    config = VariantConfig(terms=(TermConfig(method="soft_targets", weight=1.0),))
    built = Objective(config, {"soft_targets": ()}, {"soft_targets": LOGITS})
    assert set(built.knobs()) == {"task_weight", "soft_targets.weight", "soft_targets.temperature"}
    assert built.turn("soft_targets.temperature", 2) == (4.0, 2.0)
    assert built.turn("soft_targets.weight", 3.5) == (1.0, 3.5)
    assert built.turn("task_weight", 0) == (1.0, 0.0)
    assert built.weights(0, 1) == {"task": 0.0, "soft_targets": 3.5}
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


def test_a_term_that_does_not_fit_is_refused():
    config = VariantConfig(terms=(TermConfig(method="soft_targets"),))
    with pytest.raises(ConfigError, match="Soft targets does not fit this pair: .*5 and 7 classes"):
        Objective(config, {"soft_targets": ()}, {"soft_targets": Pair((5,), (7,))})


def test_two_terms_of_one_method_need_names():
    with pytest.raises(ValueError, match="give further ones a name"):
        VariantConfig(terms=(TermConfig(method="soft_targets"), TermConfig(method="soft_targets")))
    with pytest.raises(ValueError, match="no term can be called 'task'"):
        VariantConfig(terms=(TermConfig(method="soft_targets", name="task"),))
    config = VariantConfig(
        terms=(TermConfig(method="soft_targets"), TermConfig(method="soft_targets", name="values"))
    )
    built = Objective(config, {"soft_targets": (), "values": ()}, {"soft_targets": LOGITS, "values": LOGITS})
    assert built.names == ["task", "soft_targets", "values"]
    built.turn("values.temperature", 2)
    assert built.knobs()["soft_targets.temperature"][0] == 4
