"""Who may call: API keys, signed tokens, and the scopes of either."""
