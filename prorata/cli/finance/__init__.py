"""The books at the command line."""
