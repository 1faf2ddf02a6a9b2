"""The feature store: Feast's definitions, and how it is filled."""
