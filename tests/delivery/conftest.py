"""The fixtures of the service, for tests that put it into a container or under a scraper."""

from tests.serve.conftest import champion, decision, environment, transactions

__all__ = ["champion", "decision", "environment", "transactions"]
