"""Explanations of a score: contributions that add up to it, reasons, stability."""
