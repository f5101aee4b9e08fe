"""The page: a form that makes a `RunConfig`, a live view of a run's log, and the history of runs.

Python here describes and serves; drawing happens in the browser (`static/`), one concept a file. Nothing here
computes anything about training, and nothing imports torch: the page is up before torch has loaded.
"""
