"""Results, headlines and reports."""
