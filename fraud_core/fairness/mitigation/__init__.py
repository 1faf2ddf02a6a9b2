"""Thresholds by group, and the Pareto front of cost against disparity."""
