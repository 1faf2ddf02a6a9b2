"""Runs in MLflow and the revision that they were made from."""
