"""A whole log as a file of JSON lines, and such a file as a log again (docs/eventlog.md)."""
