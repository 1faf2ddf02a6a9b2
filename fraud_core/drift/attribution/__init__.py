"""Drift-cause attribution: nature or an attack on the feed, from discrepancy statistics."""
