"""Following the log: the projector, its checkpoints and lanes, parked accounts, lag."""
