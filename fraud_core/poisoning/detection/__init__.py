"""Detection of poisoned labels: out-of-fold scores, triggers, and the label scan."""
