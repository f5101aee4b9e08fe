"""Tasks: what a batch, a loss, a metric and a preview are."""

from kdexplorer.tasks.spec import TASKS, Batch, Evaluation, Example, Seen, Task, TaskSpec

__all__ = ["TASKS", "Batch", "Evaluation", "Example", "Seen", "Task", "TaskSpec"]
