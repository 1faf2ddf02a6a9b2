"""Whether two windows differ, by how much, and what it does to performance."""
