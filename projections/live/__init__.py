"""Keeping the read models up with the log: the projector, checkpoints, lanes, parked accounts, lag."""
