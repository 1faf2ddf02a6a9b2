"""Dataset cards, sources, contract check, splits: what
a table must be before anything is learnt from it.
"""
