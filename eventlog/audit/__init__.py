"""Whether history is what was written: the chain walked, a log sealed and held against its seal."""
