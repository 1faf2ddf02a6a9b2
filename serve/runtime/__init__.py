"""The state of one worker while it runs."""
