"""The command line: one parser, and the commands that are longer than a call."""
