"""Drift monitoring in service: reference histograms, verdicts of windows, the stream monitor."""
