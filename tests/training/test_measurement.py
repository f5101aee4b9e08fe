"""What a configuration costs, measured on a moment of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from test_fit import small_cnn, tiny

from kdexplorer import ConfigError
from kdexplorer.config import with_values
from kdexplorer.training.measurement import _spread, measure, resident_bytes


def test_every_part_of_a_run_has_its_time() -> None:
    measured = measure(small_cnn(), resident=10**9)
    parts = ("setup", "first_evaluation", "step", "evaluation", "teacher_evaluation", "preview", "checkpoint")
    assert all(0 <= measured[part] < 60 for part in (*parts, "students"))
    assert measured["step"] > 0
    assert measured["device"] == "cpu"
    if sys.platform == "linux":
        assert 10**9 <= measured["memory"] < 2 * 10**9


def test_weights_are_not_read(tmp_path: Path) -> None:
    gone = with_values(tiny(), {"teacher.weights": f"file:{tmp_path / 'gone.safetensors'}"})
    assert measure(gone)["step"] > 0


@pytest.mark.skipif(sys.platform != "linux", reason="the high-water mark is Linux's")
def test_a_larger_batch_needs_more_memory() -> None:
    base = resident_bytes()
    small, large = (
        measure(small_cnn(**{"training.batch_size": batch, "data.augmentations": []}), resident=base)[
            "memory"
        ]
        for batch in (8, 1024)
    )
    # Two students and a teacher on 1,024 digits: the activations alone are some 10 MB.
    assert large > small + 5_000_000


def test_what_cannot_run_is_said() -> None:
    with pytest.raises(ConfigError, match="not a folder"):
        measure(with_values(tiny(), {"data.source": {"id": "image_folder", "params": {"path": "/nowhere"}}}))


def test_steps_are_taken_from_all_over_the_run() -> None:
    places = [_spread(index, 1000) for index in range(10)]
    assert all(0 <= place < 1000 for place in places)
    gaps = torch.tensor([0, *sorted(places), 1000]).diff()
    assert int(gaps.max()) < 250
    assert _spread(3, 1) == 0
