"""What every request passes: the gateway, bodies and their limits, transactions, and problems as answers."""
