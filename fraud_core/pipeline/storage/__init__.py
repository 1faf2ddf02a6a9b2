"""Tables, streams of events and dataset versions on disk."""
