"""How everything stands, and what of it a person has to look at."""
