"""The verdict: is the distilled student better than its control, on the same held-out images?"""

from __future__ import annotations

from collections.abc import Mapping

from kdexplorer.config import CONTROL
from kdexplorer.events import MetricInfo, Verdict
from kdexplorer.metrics.comparison import fixed, paired_bootstrap, shown_digits
from kdexplorer.tasks.spec import Evaluation


def verdicts(found: Mapping[str, Evaluation], metric: MetricInfo) -> tuple[Verdict, ...]:
    """Every variant against the control, on the same images."""
    if CONTROL not in found:
        return ()
    control = found[CONTROL].per_image[metric.id]
    results = []
    for name, evaluation in found.items():
        if name == CONTROL:
            continue
        values = evaluation.per_image[metric.id]
        difference, low, high = paired_bootstrap(values, control)
        sign = 1 if metric.higher_is_better else -1
        better, worse = int((sign * (values - control) > 0).sum()), int((sign * (values - control) < 0).sum())
        results.append(
            Verdict(
                metric=metric.id, variant=name, value=float(values.mean()), control=float(control.mean()),
                difference=difference, low=low, high=high, better=better, worse=worse, total=len(values),
                sentence=sentence(metric, name, float(values.mean()), float(control.mean()), (difference, low, high),
                                  better, worse, len(values)),
            )
        )  # fmt: skip
    return tuple(results)


def sentence(
    metric: MetricInfo,
    name: str,
    value: float,
    control: float,
    interval: tuple[float, float, float],
    better: int,
    worse: int,
    total: int,
) -> str:
    """The verdict in words and numbers, as `verdict_words.js` says it on the page."""
    unit = f" {metric.unit}" if metric.unit else ""
    points = " points" if metric.unit == "%" else unit  # a difference of two shares is no share of anything
    difference, low, high = interval
    if better == worse == 0:
        level = f"{fixed(value, metric.digits)}{unit}"
        return f"{name} {level}, control the same: no difference on any of {total} images, one seed."
    digits = shown_digits(metric.digits, low, high)
    judgement = "no clear difference from"
    if low > 0 or high < 0:
        judgement = "better than" if (low > 0) == metric.higher_is_better else "worse than"
    return (
        f"{name} {fixed(value, digits)}{unit}, control {fixed(control, digits)}{unit}: "
        f"{fixed(difference, digits, '+')}{points}, "
        f"95 % interval over images [{fixed(low, digits, '+')}, {fixed(high, digits, '+')}]{points}, "
        f"better on {better} and worse on {worse}: {judgement} its control on these {total} images, one seed."
    )
