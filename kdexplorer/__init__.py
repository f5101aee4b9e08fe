"""KD Explorer: knowledge distillation in computer vision, live, every run beside its control.

The layers; imports point down only:

    app.py            cli.py
          \\           /
            ui/                    the page; the only folder that imports gradio
            runs/                  store, queue, worker process, command by command
            training/              fit loop, cohort, evaluation, checkpoints
            attribution/  tasks/   where a network looks | what a batch, a metric and a preview are
            distillation/  models/  data/
            catalog  config  events  commands  registry  params  metrics/

`RunConfig` is the only description of a run, `fit` trains it, and the events it yields are all there is to know.
"""

from typing import TYPE_CHECKING, Any

from kdexplorer.config import RunConfig
from kdexplorer.params import ConfigError

if TYPE_CHECKING:
    from kdexplorer.training.fit import fit

__version__ = "0.1.0"
__all__ = ["ConfigError", "RunConfig", "fit"]


def __getattr__(name: str) -> Any:
    if name == "fit":  # torch loads when training is asked for, not with the page
        from kdexplorer.training.fit import fit

        return fit
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
