"""The decision policy: what is done with a payment,
at what cost, and its selection.
"""
