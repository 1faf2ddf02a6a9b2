"""Health of a checkout: what is wrong with it, and how to mend it."""
