"""One model family per file: see `kdexplorer.models.spec`."""
