"""What equal treatment of groups costs: thresholds by group, and the front of cost against it."""
