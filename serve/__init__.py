"""The HTTP service: wire types, handlers, telemetry.
Everything that decides is imported from `fraud_core`.
"""
