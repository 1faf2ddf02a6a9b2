"""Scores and contributions of one payment or of a table, with NumPy only."""
