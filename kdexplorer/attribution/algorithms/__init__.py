"""One algorithm per file: see `kdexplorer.attribution.spec`."""
