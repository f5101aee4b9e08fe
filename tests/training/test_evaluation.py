"""What a verdict says: its unit, its digits, its words, and when there is none."""

from __future__ import annotations

import numpy as np
import pytest
from test_fit import tiny

from kdexplorer import fit
from kdexplorer.events import Evaluated, MetricInfo
from kdexplorer.tasks import Evaluation
from kdexplorer.tasks.verdict import sentence, verdicts

ACCURACY = MetricInfo(
    id="accuracy", title="Accuracy", unit="%", digits=1, higher_is_better=True, convention="top-1"
)
PSNR = MetricInfo(id="psnr", title="PSNR", unit="dB", digits=2, higher_is_better=True, convention="RGB")
ERROR = MetricInfo(id="error", title="Error", unit="%", digits=1, higher_is_better=False, convention="top-1")


def scores(values: list[float]) -> Evaluation:
    return Evaluation(per_image={"accuracy": np.array(values)})


def test_a_difference_of_shares_is_in_points_and_so_is_its_interval() -> None:
    assert sentence(ACCURACY, "t1", 20.3, 16.4, (3.9, 1.7, 6.1), 15, 1, 360) == (
        "t1 20.3 %, control 16.4 %: +3.9 points, 95 % interval over images [+1.7, +6.1] points, better on 15 and "
        "worse on 1: better than its control on these 360 images, one seed."
    )
    assert "+0.11 dB, 95 % interval over images [+0.07, +0.15] dB" in sentence(
        PSNR, "distilled", 28.31, 28.2, (0.11, 0.07, 0.15), 61, 7, 68
    )


@pytest.mark.parametrize(
    ("metric", "interval", "words"),
    [
        (PSNR, (0.1, -0.1, 0.3), "no clear difference from"),
        (PSNR, (-0.2, -0.3, -0.1), "worse than"),
        (ERROR, (-5.6, -8.3, -3.1), "better than"),
        (ERROR, (5.6, 3.1, 8.3), "worse than"),
    ],
)
def test_the_judgement_follows_the_interval(
    metric: MetricInfo, interval: tuple[float, float, float], words: str
) -> None:
    text = sentence(metric, "t8", 20.0, 20.0, interval, 3, 2, 12)
    assert f"{words} its control on these 12 images, one seed" in text


def test_who_answers_alike_differs_in_nothing() -> None:
    found = {name: scores([0.0, 100.0, 100.0]) for name in ("t1", "control")}
    (verdict,) = verdicts(found, ACCURACY)
    assert (verdict.better, verdict.worse) == (0, 0)
    assert verdict.sentence == "t1 66.7 %, control the same: no difference on any of 3 images, one seed."


def test_there_is_no_verdict_before_the_first_step() -> None:
    looks = [event for event in fit(tiny()) if isinstance(event, Evaluated)]
    assert [(look.step, len(look.verdicts)) for look in looks] == [(0, 0), (2, 1), (3, 1)]
