"""One kind of task per file: see `kdexplorer.tasks.spec`."""
