"""Estimators, calibration, metrics with intervals, decision policy, the served bundle."""
