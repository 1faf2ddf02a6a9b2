"""Migrations of the store, run by `python -m serve.store.migrate`."""
