"""What the history of customers and terminals adds to a payment's own columns."""
