"""Group audits that can say "insufficient evidence"."""
