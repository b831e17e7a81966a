"""`prorata bench generate` leaves a sound log, and puts nothing into one that is in use."""

from __future__ import annotations

from contextlib import closing

import pytest

from domain.errors import InvalidInput
from eventlog.audit.verify import verify_database
from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import migrate
from prorata.migrations import migrations
from scripts.bench import __main__ as bench
from scripts.bench import generate


def test_the_log_that_is_left_is_whole(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    migrate(server, migrations())
    assert bench.generate(events=3_000, workers=1) == 0
    assert capsys.readouterr().out.startswith("3,000 events of ")
    report = verify_database(server)
    assert report.whole
    assert report.events == 3_000


def test_several_processes_make_the_same_histories(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.bench.generate.IN_PROCESSES", 0)
    migrate(server, migrations())
    generate.fill(server, 3_000, workers=2)
    report = verify_database(server)
    assert report.whole
    assert report.events == 3_000


def test_a_log_that_holds_events_is_refused(server: str) -> None:
    migrate(server, migrations())
    bench.generate(events=10)
    with pytest.raises(InvalidInput, match="its log holds events") as refusal:
        bench.generate(events=10)
    assert refusal.value.code == "log_not_empty"
    with closing(PostgresEventLog(server)) as log:
        assert len(log.read_settled(0, 100)) == 10
