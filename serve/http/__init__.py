"""The way of every request: the gateway, bodies and
their limits, transactions, and problems as answers.
"""
