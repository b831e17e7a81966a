"""An account as it was and as it was known, and what changed between two moments, from the log alone."""
