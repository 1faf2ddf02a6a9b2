"""Execution of notebooks and of the cells of a study."""
