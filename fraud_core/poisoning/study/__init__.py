"""The poisoning study: its cells, their effects, its metrics and its acceptance."""
