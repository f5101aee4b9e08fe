"""How good an output is: pure functions over batches; `comparison` works without torch."""
