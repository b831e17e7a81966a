"""Files that are wrong in ways nobody thought of, given to what reads files (`python -m scripts.fuzz`)."""
