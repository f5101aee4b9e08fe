from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import recall_score

from kdexplorer.metrics.classification import (
    accuracy,
    agreement,
    expected_calibration_error,
    per_class_accuracy,
)


def scored(count: int = 300) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(5, (count,), generator=generator)
    logits = torch.randn(count, 5, generator=generator) + 1.5 * torch.nn.functional.one_hot(labels, 5)
    return logits, labels


def test_accuracy_is_one_or_zero_for_each_image() -> None:
    logits = torch.tensor([[2.0, 1, 0], [0, 1, 3], [0, 5, 1]])
    assert accuracy(logits, torch.tensor([0, 1, 1])).tolist() == [1, 0, 1]


def test_per_class_accuracy_is_the_recall() -> None:
    logits, labels = scored()
    oracle = recall_score(labels.numpy(), logits.argmax(1).numpy(), average=None)
    np.testing.assert_allclose(per_class_accuracy(logits, labels).numpy(), oracle, atol=1e-6)


def test_a_class_without_images_has_no_accuracy() -> None:
    logits, _ = scored(3)
    assert math.isnan(per_class_accuracy(logits, torch.tensor([0, 1, 0]))[4])


def test_calibration_error_equals_its_definition() -> None:
    logits, labels = scored()
    probabilities = logits.double().softmax(1).numpy()
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels.numpy()
    oracle = 0.0
    for low in np.arange(15) / 15:
        inside = (confidence > low) & (confidence <= low + 1 / 15)
        if inside.any():
            oracle += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert expected_calibration_error(logits, labels).item() == pytest.approx(oracle, abs=1e-6)


def test_certain_and_right_is_calibrated_certain_and_wrong_is_not() -> None:
    logits = 1e4 * torch.eye(4)
    assert expected_calibration_error(logits, torch.arange(4)).item() == 0
    assert expected_calibration_error(logits, (torch.arange(4) + 1) % 4).item() == 1


def test_agreement_counts_common_mistakes_too() -> None:
    a = torch.tensor([[1.0, 0], [0, 1], [1, 0]])
    b = torch.tensor([[5.0, 0], [9, 1], [1, 0]])
    assert agreement(a, b).tolist() == [1, 0, 1]
