"""How the command line prints: tables, failures, text from outside."""
