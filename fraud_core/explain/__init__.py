"""Why a score is what it is: contributions that add up to it."""
