"""Logit standardization, decoupled distillation, DIST: what the papers say of them."""

import pytest
import torch

from kdexplorer.distillation import dist_loss, dkd_loss, logit_standardization_loss, soft_target_loss


def logits(classes=7, seed=0):
    generator = torch.Generator().manual_seed(seed)
    student, teacher = 3 * torch.randn(2, 6, classes, generator=generator, dtype=torch.float64)
    return student, teacher, torch.randint(classes, (6,), generator=generator)


def test_standardized_logits_forget_shift_and_scale():
    student, teacher, _ = logits()
    loss = logit_standardization_loss(student, teacher, 2.0)
    moved = logit_standardization_loss(5 * student + 3, 0.1 * teacher - 7, 2.0)
    assert moved.item() == pytest.approx(loss.item(), rel=1e-5)
    assert logit_standardization_loss(2 * teacher + 1, teacher, 2.0).item() == pytest.approx(0, abs=1e-12)


def test_standardization_of_equal_logits_has_a_gradient():
    """All logits alike: the deviation is 0 and its derivative undefined."""
    student = torch.zeros(3, 5, requires_grad=True)
    logit_standardization_loss(
        student, torch.randn(3, 5, generator=torch.Generator().manual_seed(0)), 2.0
    ).backward()
    assert torch.isfinite(student.grad).all()


def test_soft_targets_are_decoupled_distillation_with_the_teachers_doubt_as_beta():
    """KL = KL(b_t ‖ b_s) + (1 − p_y) · KL(p̂_t ‖ p̂_s): equation 7 of the paper."""
    student, teacher, target = logits()
    for s, t, y in zip(student.split(1), teacher.split(1), target.split(1), strict=True):
        doubt = 1 - torch.softmax(t / 4, dim=1)[0, y].item()
        whole = soft_target_loss(s, t, 4.0).item()
        assert dkd_loss(s, t, y, 1.0, doubt, 4.0).item() == pytest.approx(whole, rel=1e-9)


def test_dkd_of_two_classes_has_nothing_but_the_target():
    student, teacher, target = logits(classes=2)
    assert dkd_loss(student, teacher, target, 0.0, 1.0, 4.0).item() == 0
    assert dkd_loss(student, teacher, target, 1.0, 8.0, 4.0).item() == pytest.approx(
        soft_target_loss(student, teacher, 4.0).item(), rel=1e-9
    )


def test_dkd_takes_the_largest_share_of_a_mixed_label():
    student, teacher, target = logits()
    mixed = 0.7 * torch.nn.functional.one_hot(target, 7) + 0.3 / 7
    args = (1.0, 8.0, 4.0)
    assert torch.equal(dkd_loss(student, teacher, mixed, *args), dkd_loss(student, teacher, target, *args))


def test_dist_asks_for_correlation_only():
    """Logits whose probabilities correlate perfectly with the teacher's, but are not equal."""
    _, teacher, _ = logits()
    probabilities = torch.softmax(teacher, dim=1)
    student = (0.5 * probabilities + 0.5 / 7).log()
    assert soft_target_loss(student, teacher, 1.0) > 0.1
    assert dist_loss(student, teacher, 1.0, 1.0, 1.0).item() == pytest.approx(0, abs=1e-5)


def test_dist_sums_its_two_relations():
    student, teacher, _ = logits()
    rows, columns = (dist_loss(student, teacher, *w, 2.0).item() for w in ((1.0, 0.0), (0.0, 1.0)))
    assert rows != pytest.approx(columns)
    assert dist_loss(student, teacher, 2.0, 3.0, 2.0).item() == pytest.approx(
        2 * rows + 3 * columns, rel=1e-9
    )
