"""The state of the whole system, and the troubles in it that a person has to look at."""
