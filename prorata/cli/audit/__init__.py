"""The auditors' commands: history, moments of the past, the log's chain, seals, the archive."""
