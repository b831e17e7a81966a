"""Long-running processes: each announces itself in one table, and may answer for its health over HTTP."""
