"""Group commit: appends that wait while a statement runs share the next one, for threads and for asyncio."""
