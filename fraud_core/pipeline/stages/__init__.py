"""Stages that make data and models, and the promotion of a candidate."""
