"""The decision policy: what is done with a payment,
at what cost, and how the policy is selected.
"""
