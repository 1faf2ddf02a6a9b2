"""Performance under drift: rolling-origin scores,
performance without labels, decompositions of a change.
"""
