"""The HTTP service over `score()`; it needs the `serve` extra."""
