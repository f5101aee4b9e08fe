from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import bootstrap

from kdexplorer.metrics import comparison
from kdexplorer.metrics.comparison import fixed, paired_bootstrap, shown_digits


def scores(count: int = 68) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(1)
    b = generator.normal(28, 3, count)
    return b + generator.normal(0.1, 0.2, count), b


def test_equals_scipys_percentile_interval() -> None:
    a, b = scores()
    oracle = bootstrap((a - b,), np.mean, method="percentile", n_resamples=20000, rng=0).confidence_interval
    mean, low, high = paired_bootstrap(a, b, samples=20000)
    assert mean == pytest.approx(np.mean(a - b))
    assert (low, high) == pytest.approx((oracle.low, oracle.high), abs=2e-3)
    assert low < mean < high


def test_same_seed_same_interval_and_sign_turns() -> None:
    a, b = scores()
    mean, low, high = paired_bootstrap(a, b)
    assert paired_bootstrap(a, b) == (mean, low, high)
    assert paired_bootstrap(b, a) == pytest.approx((-mean, -high, -low))


def test_many_images_are_drawn_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = scores()
    whole = paired_bootstrap(a, b, samples=300)
    monkeypatch.setattr(comparison, "CHUNK", 1000)
    assert paired_bootstrap(a, b, samples=300) == whole


def test_one_image_has_no_width() -> None:
    assert paired_bootstrap([3.0], [1.0]) == (2.0, 2.0, 2.0)


@pytest.mark.parametrize(("a", "b"), [([], []), ([1.0], [1.0, 2.0]), ([float("nan")], [1.0])])
def test_what_cannot_be_compared_is_refused(a: list[float], b: list[float]) -> None:
    with pytest.raises(ValueError, match=r"scores"):
        paired_bootstrap(a, b)


def test_halves_are_rounded_as_a_browser_rounds_them() -> None:
    assert [fixed(value, 1, "+") for value in (-1.25, 1.25, -0.0, 2.35)] == ["-1.3", "+1.3", "+0.0", "+2.4"]
    assert fixed(float("inf"), 2) == "inf"


def test_no_interval_is_shown_without_width() -> None:
    assert shown_digits(2, 0.0181, 0.0229) == 3
    assert shown_digits(2, 0.0004, 0.2) == 4  # clear, so its end is not shown as 0
    assert shown_digits(2, -0.0004, 0.2) == 2
    assert shown_digits(2, 0.5, 0.5) == 2  # two images that gain alike


def test_works_without_torch() -> None:
    code = "import sys; import kdexplorer.metrics.comparison; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
