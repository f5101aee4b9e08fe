"""Fidelity: golden values, plain re-derivations on random inputs, and what the papers say is zero."""

import golden
import pytest
import torch

from kdexplorer.distillation import (
    attention_transfer_loss,
    hint_loss,
    reconstruction_loss,
    soft_target_loss,
)


def random_pair(*shape: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(2, *shape, generator=generator, dtype=torch.float64) * 3)


def test_soft_targets_golden():
    loss = soft_target_loss(golden.STUDENT_LOGITS, golden.TEACHER_LOGITS, 4.0)
    assert loss.item() == pytest.approx(golden.SOFT_TARGETS_T4, rel=1e-9)


def test_attention_transfer_golden():
    loss = attention_transfer_loss(golden.STUDENT_FEATURE, golden.TEACHER_FEATURE)
    assert loss.item() == pytest.approx(golden.ATTENTION_TRANSFER, rel=1e-9)


def test_hint_golden():
    assert hint_loss(golden.STUDENT_FEATURE, golden.TEACHER_FEATURE).item() == pytest.approx(
        golden.HINT, rel=1e-9
    )


@pytest.mark.parametrize("temperature", [1.0, 2.0, 7.5])
def test_soft_targets_are_the_formula(temperature):
    student, teacher = random_pair(6, 7)
    total = 0.0
    for s, t in zip(student, teacher, strict=True):
        p_s = torch.exp(s / temperature) / torch.exp(s / temperature).sum()
        p_t = torch.exp(t / temperature) / torch.exp(t / temperature).sum()
        total += float((p_t * torch.log(p_t / p_s)).sum())
    expected = temperature**2 * total / 6  # summed over classes, averaged over the batch: not C times smaller
    assert soft_target_loss(student, teacher, temperature).item() == pytest.approx(expected, rel=1e-9)


def test_soft_target_gradient_keeps_its_size_with_temperature():
    """With T² the gradient at high T tends to (z_s − z_t)/C for centred logits: Hinton et al., section 2.1."""
    student, teacher = random_pair(4, 10)
    student, teacher = (z - z.mean(1, keepdim=True) for z in (student, teacher))
    student.requires_grad_(True)
    soft_target_loss(student, teacher, 1000.0).backward()
    torch.testing.assert_close(student.grad, (student - teacher).detach() / 10 / 4, rtol=2e-2, atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("classes", [2, 10])
def test_soft_targets_stay_finite_at_large_logits(dtype, classes):
    student = (torch.randn(8, classes, generator=torch.Generator().manual_seed(1)) * 1e4).to(dtype)
    student.requires_grad_(True)
    loss = soft_target_loss(student, -student.detach(), 1.0)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(student.grad).all()


@pytest.mark.parametrize("loss", [attention_transfer_loss, hint_loss, reconstruction_loss])
def test_half_precision_features_do_not_overflow(loss):
    student, teacher = (x.mul(100).half() for x in random_pair(2, 4, 8, 8))
    assert torch.isfinite(loss(student, teacher))
    assert loss(student, teacher).item() == pytest.approx(
        loss(student.double(), teacher.double()).item(), rel=1e-3
    )


@pytest.mark.parametrize(
    ("loss", "shape"),
    [
        (lambda s, t: soft_target_loss(s, t, 4.0), (4, 5)),
        (attention_transfer_loss, (4, 3, 8, 8)),
        (hint_loss, (4, 3, 8, 8)),
        (reconstruction_loss, (4, 3, 8, 8)),
        (lambda s, t: reconstruction_loss(s, t, "l2"), (4, 3, 8, 8)),
    ],
)
def test_zero_where_nothing_differs_and_blind_to_the_order_of_the_batch(loss, shape):
    student, teacher = random_pair(*shape)
    assert loss(teacher, teacher).item() == pytest.approx(0, abs=1e-12)
    assert loss(student, teacher).item() > 0
    order = torch.tensor([2, 0, 3, 1])
    assert loss(student[order], teacher[order]).item() == pytest.approx(
        loss(student, teacher).item(), rel=1e-9
    )


def test_attention_transfer_is_blind_to_scale_and_channel_count():
    student, teacher = random_pair(2, 6, 8, 8)
    loss = attention_transfer_loss(student, teacher[:, :3])
    assert attention_transfer_loss(student * 5, teacher[:, :3]).item() == pytest.approx(loss.item(), rel=1e-9)


def test_attention_transfer_pools_the_larger_map():
    student, teacher = random_pair(2, 4, 8, 8)
    pooled = torch.nn.functional.avg_pool2d(teacher, 2)
    small = student[..., :4, :4]
    assert attention_transfer_loss(small, teacher).item() == pytest.approx(
        attention_transfer_loss(small, pooled).item(), rel=1e-9
    )


def test_reconstruction_norms():
    student, teacher = random_pair(2, 3, 4, 4)
    assert reconstruction_loss(student, teacher).item() == pytest.approx(
        float((student - teacher).abs().mean())
    )
    assert reconstruction_loss(student, teacher, "l2").item() == pytest.approx(
        float(((student - teacher) ** 2).mean())
    )
    with pytest.raises(ValueError, match="norm is 'l1' or 'l2'"):
        reconstruction_loss(student, teacher, "l3")
