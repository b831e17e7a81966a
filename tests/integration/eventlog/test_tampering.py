"""Whoever can disable the triggers can change the table; the check of the log then says where."""

from collections.abc import Callable

import pytest

from eventlog.audit.verify import problems, verify
from eventlog.chain import ProblemKind
from eventlog.postgres.log import PostgresEventLog
from tests.support.eventlog.sample_events import given_history
from tests.support.eventlog.sessions import Session

Tamper = Callable[[str], None]


@pytest.fixture
def tamper(session: Session) -> Tamper:
    """Does what the triggers refuse."""

    def tamper(statement: str) -> None:
        session.execute("alter table events disable trigger append_only")
        session.execute(statement)
        session.execute("alter table events enable always trigger append_only")

    return tamper


@pytest.mark.parametrize(
    ("statement", "kind", "version"),
    [
        ("update events set state = '{}' where {place}", "altered", 2),
        (
            "update events set effective_at = effective_at + interval '1 microsecond' where {place}",
            "altered",
            2,
        ),
        ("update events set actor = '' where {place}", "altered", 2),
        ("delete from events where {place}", "missing", 2),
        ("delete from events where account_id = 'acme/b' and version = 1", "missing", 1),
        ("update events set version = 9 where {place}", "missing", 2),
    ],
)
def test_what_was_changed_is_named(
    log: PostgresEventLog, tamper: Tamper, statement: str, kind: ProblemKind, version: int
) -> None:
    for name in ("acme/a", "acme/b", "acme/c"):
        given_history(log, name, 3)
    tamper(statement.replace("{place}", "account_id = 'acme/b' and version = 2"))
    problem = verify(log)
    assert problem is not None
    assert (problem.account_id, problem.kind, problem.version) == ("acme/b", kind, version)
    assert list(problems(log)) == [problem]


def test_every_account_that_was_changed_is_named(log: PostgresEventLog, tamper: Tamper) -> None:
    for name in ("acme/a", "acme/b", "acme/c"):
        given_history(log, name, 3)
    tamper("update events set actor = 'x' where account_id in ('acme/a', 'acme/c')")
    assert [(problem.account_id, problem.version) for problem in problems(log)] == [
        ("acme/a", 1),
        ("acme/c", 1),
    ]
