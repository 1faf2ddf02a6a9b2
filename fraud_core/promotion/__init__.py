"""The promotion gate: may a candidate become the champion, and why."""
