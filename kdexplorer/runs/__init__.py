"""Runs: the store they are written to, the queue they wait in and the processes that work on them.

Nothing here imports torch before a run starts: the page's process stays light.
"""

from kdexplorer.runs.database import StoreError
from kdexplorer.runs.limits import LOCAL, PUBLIC_SPACE, Limits
from kdexplorer.runs.manager import Manager, Refused
from kdexplorer.runs.run import Run, StoredEvent
from kdexplorer.runs.store import Store, UnknownRun

__all__ = [
    "LOCAL",
    "PUBLIC_SPACE",
    "Limits",
    "Manager",
    "Refused",
    "Run",
    "Store",
    "StoreError",
    "StoredEvent",
    "UnknownRun",
]
