"""The signed bundle of one champion: its files, their schema, and the decider that they make."""
