"""Performance under drift: rolling origins,
estimates without labels, decompositions of a change.
"""
