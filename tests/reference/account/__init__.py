"""One account told day by day, by RULES.md alone: plain dictionaries that change in place."""
