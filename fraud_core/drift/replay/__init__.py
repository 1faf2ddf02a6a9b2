"""Replays of a stream as it was known at each point in time."""
