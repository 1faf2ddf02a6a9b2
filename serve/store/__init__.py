"""The durable store: its tables and their migrations,
grouped writes, and the archive of old rows.
"""
