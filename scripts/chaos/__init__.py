"""Faults at seeded moments against the real system, and a check of everything afterwards.

    make chaos-log KILLS=100 SEED=7      # writers, projectors, rebuilders and PostgreSQL are killed
    make chaos KILLS=40 SEED=7           # relays, consumers, broker too: killed, paused, cut off

The plan (which victim, how, how long after its start) follows from the seed alone and is printed as it is
carried out; what each process happens to be doing at that moment is chance, so a seed repeats the plan and
not the run. What writers sent and were answered is kept in journals outside the database, forced to disk
before the next step, so neither a killed writer nor a killed server can lie about it.
"""
