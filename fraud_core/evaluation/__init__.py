"""Metrics, bootstrap intervals, prequential folds, calibration and the verdicts of every study."""
