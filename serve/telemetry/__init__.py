"""Counters, metrics and traces of the service, and how they leave it."""
