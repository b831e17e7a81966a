"""Fuzzing: gives mutated files to everything that reads files (`python -m scripts.fuzz`)."""
