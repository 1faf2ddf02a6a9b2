"""Features of a payment from the history of its
entities, offline for a table and online for one payment.
"""
