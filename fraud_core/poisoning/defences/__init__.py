"""Defences: what is kept of a training table that may be poisoned."""
