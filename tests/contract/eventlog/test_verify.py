"""The check of a whole log."""

from eventlog import EventLog
from eventlog.audit.verify import verify
from tests.support.eventlog.sample_events import an_append, given_history


def test_a_log_that_was_only_appended_to_is_whole(log: EventLog) -> None:
    assert verify(log) is None
    for nth in range(5):
        given_history(log, f"acme/{nth}", nth + 1)
    log.append_together([an_append("acme/b", count=2), an_append("acme/a")])
    assert verify(log) is None


def test_histories_longer_than_a_page_are_whole(log: EventLog) -> None:
    given_history(log, "acme/a", 2_500)
    assert verify(log) is None
