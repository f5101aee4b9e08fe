"""A pair of networks in numbers, before anything is trained."""

from __future__ import annotations

from typing import Any

from kdexplorer.config import NetworkConfig, RunConfig
from kdexplorer.models import ModelIO
from kdexplorer.models.build import count_parameters
from kdexplorer.params import ConfigError
from kdexplorer.tasks import TASKS


def describe(config: RunConfig) -> dict[str, Any]:
    """Parameter counts of teacher and student, and how many times smaller the student is.

    Returns:
        {"teacher": {"model", "parameters"} or None, "student": …, "compression": float or None, "problems": [str]}
    """
    problems: list[str] = []

    def count(network: NetworkConfig | None, role: str, io: ModelIO) -> dict[str, Any] | None:
        if network is None:
            return None
        try:
            return {"model": network.id, "parameters": count_parameters(network, io)}
        except ConfigError as error:
            problems.append(f"{role}: {error}")
            return None

    try:
        io = TASKS[config.task].io_of(config)
    except ConfigError as error:
        return {"teacher": None, "student": None, "compression": None, "problems": [str(error)]}
    teacher, student = count(config.teacher, "teacher", io), count(config.student, "student", io)
    ratio = teacher["parameters"] / max(student["parameters"], 1) if teacher and student else None
    return {"teacher": teacher, "student": student, "compression": ratio, "problems": problems}
