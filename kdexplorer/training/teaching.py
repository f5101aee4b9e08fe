"""What each term of each student sees at a step: who teaches it, and what both networks gave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from torch import Tensor, nn

from kdexplorer.config import RunConfig
from kdexplorer.data.draws import seed_of
from kdexplorer.distillation import Objective, Signals
from kdexplorer.distillation.term import Term
from kdexplorer.models.build import Network
from kdexplorer.tasks import Batch
from kdexplorer.training.student import Student
from kdexplorer.training.teachers import Forward, Teacher, View, mean_view, quiet_forward, students_behind


class Teaching:
    """The frozen teachers of a cohort, and the students as each other's.

    Args:
        config: the run.
        frozen: teacher networks by name, the run's first as `teacher`.
        students: the cohort.
        precision: a context in which networks run.
    """

    def __init__(
        self,
        config: RunConfig,
        frozen: Mapping[str, Network],
        students: Sequence[Student],
        precision: Callable[[], AbstractContextManager[object]],
    ) -> None:
        self._config, self._students, self._precision = config, tuple(students), precision
        self._half = config.training.precision != "float32"
        self._frozen: dict[str, Teacher] = {}
        for name, network in frozen.items():
            terms = [t for s in students for t in s.objective.terms if t.config.teacher == name]
            layers = [pair.teacher for term in terms for pair in term.layers]
            gradient = any(term.spec.teacher_gradient for term in terms)
            self._frozen[name] = Teacher(network.module, layers, gradient=gradient)
        self._shares = {"teacher": 1.0} | {name: more.weight for name, more in config.teachers.items()}
        self.mutual = any(self._behind(s, t) for s in students for t in s.objective.terms)

    def ask(self, batch: Batch, step: int) -> dict[str, View]:
        """What the frozen teachers that this step's terms name give for the batch, by name."""
        asked = {t.config.teacher for s in self._students for t in s.objective.active(step)}
        names = [name for name in self._frozen if name in asked or "mean" in asked]
        with self._precision():
            found = {name: self._frozen[name].ask(batch.input) for name in names}
        if "mean" in asked:
            found["mean"] = mean_view([found[name] for name in names], [self._shares[name] for name in names])
        return found

    def signals(
        self, student: Student, batch: Batch, step: int, taught: Mapping[str, View], views: Mapping[str, View]
    ) -> dict[str, Signals]:
        """By term that is active at this step, what it sees.

        Args:
            taught: what `ask` gave.
            views: what the students gave: this one, and where they teach each other all.
        """
        terms = student.objective.active(step)
        if student.average is not None and any(term.config.teacher == "ema" for term in terms):
            with self._precision():
                taught = {**taught, "ema": student.average.ask(batch.input)}
        view = views[student.name]
        seed = seed_of("terms", self._config.training.seed, step)
        found = {}
        for term in terms:
            lesson = self._lesson(student, term, taught, views)
            found[term.id] = Signals(
                student_output=view.output,
                teacher_output=lesson.output,
                features=tuple((view.features[p.student], lesson.features[p.teacher]) for p in term.layers),
                target=batch.target,
                input=batch.input,
                index=batch.index,
                heads=term.heads,
                seed=seed,
                student=self._precise(student.module),
                teacher=self._forward(student, term),
            )
        return found

    def shown(self, student: Student, term: Term, image: Tensor, step: int) -> Signals:
        """What a term that compares outputs would see of other images [B, C, H, W], without gradient."""
        student_forward, teacher_forward = quiet_forward(student.module), self._forward(student, term)
        return Signals(
            student_output=student_forward(image),
            teacher_output=teacher_forward(image),
            input=image,
            seed=seed_of("terms", self._config.training.seed, step),
            student=student_forward,
            teacher=teacher_forward,
        )

    def _behind(self, student: Student, term: Term) -> list[str]:
        return students_behind(self._config, student.name, term.config.teacher)

    def _lesson(
        self, student: Student, term: Term, taught: Mapping[str, View], views: Mapping[str, View]
    ) -> View:
        others = self._behind(student, term)
        if term.config.teacher == "self":
            return views[student.name].detached()
        if len(others) == 1:
            return views[others[0]].detached()
        if others:
            return mean_view([views[other] for other in others], [1.0] * len(others))
        lesson = taught[term.config.teacher]
        return lesson if term.spec.teacher_gradient else lesson.detached()

    def _forward(self, student: Student, term: Term) -> Forward:
        """A teacher's forward for other images than the batch's: in evaluation mode, without gradient."""
        who, others = term.config.teacher, self._behind(student, term)
        modules: list[nn.Module] = [s.module for s in self._students if s.name in others]
        weights = [1.0] * len(modules)
        if who == "mean":
            modules, weights = (
                [t.module for t in self._frozen.values()],
                [self._shares[n] for n in self._frozen],
            )
        elif who in self._frozen:
            modules = [self._frozen[who].module]
        elif who == "ema" and student.average is not None:
            modules = [student.average.module]
        elif who == "self":
            modules = [student.module]
        each = [self._precise(quiet_forward(module)) for module in modules]
        if len(each) == 1:
            return each[0]
        return lambda images: mean_view([View(forward(images)) for forward in each], weights).output

    def _precise(self, forward: Forward) -> Forward:
        if not self._half:
            return forward

        def run(images: Tensor) -> Tensor:
            with self._precision():
                return forward(images)

        return run


def layers_taught(config: RunConfig, objectives: Sequence[Objective]) -> dict[str, list[str]]:
    """By student, the module paths that other students' terms compare with."""
    found: dict[str, list[str]] = {variant.name: [] for variant in config.cohort}
    for objective in objectives:
        for term in objective.terms:
            for other in students_behind(config, objective.config.name, term.config.teacher):
                found[other] += [pair.teacher for pair in term.layers]
    return found
