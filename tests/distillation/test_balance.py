"""Weights that follow the losses."""

import pytest
import torch

from kdexplorer.config import TermConfig, VariantConfig
from kdexplorer.distillation import Objective, Pair, Signals
from kdexplorer.distillation.balance import LevelBalance, MagnitudeBalance, UncertaintyBalance

NAMES = ("task", "a", "b")


def losses(*values):
    return {name: torch.tensor(float(v)) for name, v in zip(NAMES, values, strict=False)}


def objective(balance: str) -> Objective:
    config = VariantConfig(balance=balance, terms=(TermConfig(method="soft_targets", weight=0.5),))
    return Objective(config, {"soft_targets": ()}, {"soft_targets": Pair((5,), (5,))})


def test_magnitudes_bring_every_term_to_the_size_of_the_task():
    balance = MagnitudeBalance(NAMES)
    factors = balance.factors(losses(2, 0.1, 50))
    assert {name: float(f) for name, f in factors.items()} == pytest.approx({"task": 1, "a": 20, "b": 0.04})
    later = balance.factors(losses(2, 0.2, 50))
    assert float(later["a"]) == pytest.approx(2 / (0.98 * 0.1 + 0.02 * 0.2))


def test_a_vanishing_term_is_not_blown_up_without_end():
    assert float(MagnitudeBalance(NAMES).factors(losses(1, 0, 1))["a"]) == pytest.approx(1e4)


def test_a_late_term_begins_with_its_own_size():
    balance = MagnitudeBalance(NAMES)
    balance.factors(losses(1, 1))
    assert float(balance.factors(losses(1, 1, 8))["b"]) == pytest.approx(1 / 8)


def test_uncertainty_settles_where_every_term_gives_a_half():
    """The minimum of exp(−s)·L + s/2 is at exp(−s)·L = 1/2."""
    balance = UncertaintyBalance(NAMES)
    rule = torch.optim.SGD(balance.parameters(), lr=0.5)
    seen = losses(4, 0.25, 1)
    for _ in range(300):
        rule.zero_grad()
        factors = balance.factors(seen)
        (sum(factors[name] * seen[name] for name in seen) + balance.penalty(seen)).backward()
        rule.step()
    for name, factor in balance.factors(seen).items():
        assert float((factor * seen[name]).detach()) == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize("kind", ["magnitude", "uncertainty"])
def test_the_weights_in_effect_are_those_that_sum_the_losses(kind):
    built = objective(kind)
    student, teacher = torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(0))
    found = built.losses(torch.tensor(1.5), {"soft_targets": Signals(student, teacher)}, 0, 9)
    total, weights = built.total(found, 0, 9)
    whole = sum(float(weights[name]) * float(loss) for name, loss in found.items())
    assert float(total.detach()) == pytest.approx(whole)
    if kind == "magnitude":
        assert float(weights["soft_targets"] * found["soft_targets"]) == pytest.approx(0.5 * 1.5)
    restored = objective(kind)
    restored.learnable.load_state_dict(built.learnable.state_dict())
    assert [k for k in built.learnable.state_dict() if k.startswith(":balance")]


def test_levels_that_are_far_off_gain_what_the_others_lose():
    balance = LevelBalance(2)
    level = [torch.tensor(3.0, requires_grad=True), torch.tensor(1.0, requires_grad=True)]
    combined = balance.combine(level)
    assert float(combined.detach()) == pytest.approx(2 * (0.75 * 3 + 0.25 * 1))
    combined.backward()
    assert [float(x.grad) for x in level] == pytest.approx([1.5, 0.5])
