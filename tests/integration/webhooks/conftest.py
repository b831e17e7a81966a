"""A log, the queues of webhooks beside it, and a receiver."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from eventlog.postgres.connect import connect
from eventlog.postgres.log import PostgresEventLog
from prorata.migrations import migrations
from prorata.roles import CONSUMER, SERVICE
from tests.support.projections.fold_driver import Billing
from tests.support.roles import login, migrated
from tests.support.webhooks.hooks import Hooks
from tests.support.webhooks.receiver import Receiver, receiver


@pytest.fixture
def hooks_url(database_url: str) -> str:
    return migrated(database_url, migrations())


@pytest.fixture
def log(hooks_url: str) -> Iterator[PostgresEventLog]:
    with closing(PostgresEventLog(login(hooks_url, SERVICE))) as log:
        yield log


@pytest.fixture
def hooks(hooks_url: str, log: PostgresEventLog) -> Iterator[Hooks]:
    with (
        closing(connect(login(hooks_url, SERVICE), "test")) as connection,
        closing(connect(login(hooks_url, CONSUMER), "test")) as consumer,
    ):
        yield Hooks(hooks_url, log, connection, consumer)


@pytest.fixture
def billing(log: PostgresEventLog) -> Billing:
    return Billing(log)


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as hook:
        yield hook
