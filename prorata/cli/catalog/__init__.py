"""The catalogue at the command line."""
