"""One method, one paper, one file: see `kdexplorer.distillation.method`."""
