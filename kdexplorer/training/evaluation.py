"""Scores of the whole cohort, and the verdict: is the distilled student better than its control?"""

from __future__ import annotations

import torch

from kdexplorer.config import CONTROL
from kdexplorer.events import Evaluated, MetricInfo, Metrics, Verdict
from kdexplorer.metrics.comparison import fixed, paired_bootstrap, shown_digits
from kdexplorer.models.build import Network
from kdexplorer.tasks import Evaluation, Task
from kdexplorer.training.cohort import Cohort


class Evaluator:
    """Looks at the held-out data; the teacher and the degraded input are scored once."""

    def __init__(self, cohort: Cohort, task: Task) -> None:
        self.cohort, self.task = cohort, task
        self._teacher: Evaluation | None = None
        self._input: Metrics | None = None
        self._found: tuple[int, dict[str, Evaluation]] = (-1, {})

    def evaluate(self, step: int, *, first: bool = False) -> Evaluated:
        """Score all students at `step`.

        Args:
            first: before the first step. Students are still alike, so one is scored for all that begin as it does,
                and the teacher is left for later: a run begins at once.
        """
        if self._input is None:
            self._input = self.task.input_metrics()
        students = self.cohort.students
        if first:
            alike = [student for student in students if not student.config.own_start]
            found = dict.fromkeys((s.name for s in students), self.score((alike or students)[0].network))
            found |= {s.name: self.score(s.network) for s in students if s.config.own_start}
        else:
            found = {student.name: self.score(student.network) for student in students}
        if self.cohort.teacher is not None and not first and self._teacher is None:
            self._teacher = self.score(self.cohort.teacher)
        everyone = found | ({"teacher": self._teacher} if self._teacher else {})
        extra = self.task.extra(everyone)
        self._found = (step, everyone)
        return Evaluated(
            step=step,
            variants={name: evaluation.means for name, evaluation in found.items()},
            teacher=self._teacher.means if self._teacher else {},
            input=self._input,
            verdicts=verdicts(found, self.task.metrics[0])
            if step
            else (),  # before it, nobody has learnt anything
            extra=extra,
        )

    def found_at(self, step: int) -> dict[str, Evaluation]:
        """What was found of each network if they were last scored at `step`; else nothing."""
        return self._found[1] if self._found[0] == step else {}

    def score(self, network: Network) -> Evaluation:
        """Score one network in evaluation mode, without gradients."""
        training = network.module.training
        network.module.eval()
        try:
            with torch.no_grad():
                return self.task.evaluate(network.module)
        finally:
            network.module.train(training)


def verdicts(found: dict[str, Evaluation], metric: MetricInfo) -> tuple[Verdict, ...]:
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
