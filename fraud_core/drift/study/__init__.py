"""Parts of the drift study: error rates, injected changes, attribution, streams, two days."""
