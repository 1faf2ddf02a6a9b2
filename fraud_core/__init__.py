"""Fraud detection research and decisions, one module for notebooks, pipeline and service.

Importing the package costs nothing: each room imports what it needs when it is used.
"""

__version__ = "0.1.0"
