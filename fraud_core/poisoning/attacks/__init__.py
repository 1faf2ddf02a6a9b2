"""Attacks on the labels of a training table."""
