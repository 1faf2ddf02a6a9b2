"""Callers: by API key or signed token, each with scopes."""
