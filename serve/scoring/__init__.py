"""The model that decides, its compiled scorer, a
challenger beside it, and the drift of what they score.
"""
