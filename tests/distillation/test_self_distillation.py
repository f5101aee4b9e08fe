"""A network that teaches itself: which parts learn from whom."""

import pytest
import torch
import torch.nn.functional as F
from stand_ins import stand_in
from test_methods import learnable_part, loss_of, with_signals

from kdexplorer.distillation import METHODS, self_distillation_loss

METHOD = METHODS["self_distillation"]


def test_a_mixed_label_that_is_one_class_is_that_class():
    draws = torch.Generator().manual_seed(0)
    s, t, f, g = torch.randn(4, 6, 5, generator=draws)
    y = torch.tensor([0, 1, 2, 3, 4, 0])
    args = (s, t), (f, g, 0.3, 0.03, 3.0)
    hard = self_distillation_loss(*args[0], y, *args[1])
    soft = self_distillation_loss(*args[0], F.one_hot(y, 5), *args[1])
    assert soft.item() == pytest.approx(hard.item(), rel=1e-6)


def test_without_the_deepest_classifier_the_labels_alone_teach():
    given = stand_in(METHOD)
    part = learnable_part(METHOD, given.pair)
    other = with_signals(given, teacher_output=torch.zeros_like(given.signals.teacher_output))
    alone = {"alpha": 0.0, "hint": 0.0}
    assert torch.equal(loss_of(METHOD, given, part, **alone), loss_of(METHOD, other, part, **alone))
    assert not torch.equal(loss_of(METHOD, given, part), loss_of(METHOD, other, part))


def test_each_stage_has_a_classifier_of_its_own():
    given = stand_in(METHOD)
    part = learnable_part(METHOD, given.pair)
    logits, pooled = part[0](given.signals.features[0][0])
    assert len(part) == len(given.pair.features)
    assert logits.shape == (4, 5)
    assert pooled.shape == (4, 6)
    assert not {p.data_ptr() for p in part[0].parameters()} & {p.data_ptr() for p in part[1].parameters()}
