"""Scores of the whole cohort on the held-out data."""

from __future__ import annotations

import torch

from kdexplorer.events import Evaluated, Metrics
from kdexplorer.models.build import Network
from kdexplorer.tasks import Evaluation, Task
from kdexplorer.tasks.image_scores import notes
from kdexplorer.tasks.verdict import verdicts
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
            notes=tuple(notes(everyone)),
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
