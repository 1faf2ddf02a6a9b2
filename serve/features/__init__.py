"""Features of named customers and terminals: the feature
store that remembers them, and the process that fills it.
"""
