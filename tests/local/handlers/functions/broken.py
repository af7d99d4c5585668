"""A function that cannot be loaded."""

raise RuntimeError("no such luck")
