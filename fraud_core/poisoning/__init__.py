"""Attacks on labels, what they cost, and what gives it back."""
