"""Answers about the past from the log alone: an account as it was, as it was known, and what changed
between."""
