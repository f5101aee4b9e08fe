"""Training: `fit(config, control) -> Iterator[Event]`."""

from kdexplorer.training.control import ScriptedControl, replay_commands
from kdexplorer.training.describe import describe, sizes
from kdexplorer.training.fit import fit

__all__ = ["ScriptedControl", "describe", "fit", "replay_commands", "sizes"]
