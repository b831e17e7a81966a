"""The command line's output: tables, failures, text from outside."""
