"""Long-running processes: each announces itself in one table, and can be asked for its health."""
