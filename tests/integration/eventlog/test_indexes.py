"""Every call goes by an index: a plan that was made while the table was small is kept as it grows."""

from eventlog import Head
from eventlog.postgres.log import PostgresEventLog
from tests.support.eventlog.sample_events import an_append, given_history, new_event
from tests.support.eventlog.sessions import Session, until

_SCANS = "select seq_scan, idx_scan from pg_stat_user_tables where relname = 'events'"
_BY_COMMAND = (
    "select idx_scan, idx_tup_read from pg_stat_user_indexes where indexrelname = 'events_by_command'"
)


def test_no_call_reads_the_whole_table(service_url: str, session: Session) -> None:
    session.execute("analyze events")
    [before] = session.execute(_SCANS).fetchall()
    log = PostgresEventLog(service_url)
    stored = given_history(log, "acme/a", 3)
    for nth in range(10):
        log.append(f"acme/b-{nth}", Head.NONE, [new_event()])
        log.append_many([an_append(f"acme/c-{nth}"), an_append(f"acme/d-{nth}", count=2)])
        log.append_together([an_append(f"acme/e-{nth}"), an_append(f"acme/f-{nth}")])
        log.head("acme/a")
        log.read_account("acme/a")
        log.histories_up_to({"acme/a": 2, f"acme/b-{nth}": 1})
        log.event("acme/a", 2)
        log.find_command("acme/a", "command-1")
        log.commands_named("acme/", "command-1", 10)
        log.read_settled(0, 10)
        log.read_settled(0, 10, range(4))
        log.read_settled(0, 10, range(40))
        log.at_position(stored[0].position)
        log.last_position()
        list(log.accounts())
    log.close()
    until(lambda: session.execute(_SCANS).fetchall()[0][1] > before[1])
    [after] = session.execute(_SCANS).fetchall()
    assert after[0] == before[0]


def test_a_command_of_a_long_history_is_found_without_reading_it(service_url: str, session: Session) -> None:
    log = PostgresEventLog(service_url)
    head = Head.NONE
    for _ in range(20):
        events = [new_event(command_id=f"command-{head.version + nth}") for nth in range(100)]
        head = log.append("acme/a", head, events)[-1].head
    session.execute("analyze events")
    for nth in range(10):
        assert [event.version for event in log.find_command("acme/a", f"command-{nth}")] == [nth + 1]
    log.close()
    until(lambda: session.execute(_BY_COMMAND).fetchall()[0][0] >= 10)
    assert session.execute(_BY_COMMAND).fetchall() == [(10, 10)]
