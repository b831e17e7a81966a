"""Every index that is not there to refuse a second row has a reader: else each write pays for nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from prorata.migrations import migrations
from tests.support.roles import migrated

ROOT = Path(__file__).parents[3]

READERS = {
    "public.events_by_position": ("eventlog/postgres/fence.py", "position > %(after)b"),
    "public.events_by_command": ("eventlog/postgres/reading.py", "command_id = %(command_id)b"),
    "projections.calendar_due": ("projections/models/calendar.py", "not pending_payment and due_at <="),
    "projections.calendar_pending": ("projections/models/calendar.py", "and pending_payment and"),
    "service.gateway_payments_by_day": ("service/gateways/postgres_books.py", "decided_at >= %(from)s"),
    "service.gateway_refunds_by_day": ("service/gateways/postgres_books.py", "decided_at >= %(from)s"),
    "service.gateway_refunds_of_charge": ("service/gateways/postgres_books.py", "where charge = %(charge)s"),
    "persons.details_of_person": ("service/persons/store.py", "where person = %(person)s"),
    "persons.details_of_email": ("service/persons/store.py", "where email_digest = any(%(digests)s)"),
    "persons.details_locked": ("service/persons/store.py", "where locked_until <= %(today)s"),
    "consumers.dead_letters_by_key": (
        "consumers/dead_letters.py",
        "consumer = %(consumer)s and topic = %(topic)s and key = %(key)s",
    ),
    "finance_ledger.transfers_by_day": ("consumers/finance_ledger/entries.py", "and day >= %(since)s"),
    "finance_ledger.transfers_by_invoice": (
        "consumers/finance_ledger/entries.py",
        "account_id = %(account_id)s",
    ),
    "finance_ledger.schedules_due": ("consumers/finance_ledger/recognition.py", "next_day <= %(through)s"),
    "finance_ledger.schedules_of_credit_lines": ("consumers/finance_ledger/shelf.py", "net < 0"),
    "webhooks.endpoints_of_tenant": ("consumers/webhooks/endpoints.py", "where tenant = %(tenant)s"),
    "webhooks.deliveries_waiting": ("consumers/webhooks/queues.py", "and delivered_at is null"),
    "webhooks.deliveries_by_position": ("consumers/webhooks/endpoints.py", "and position > %(after)s"),
    "webhooks.queues_waiting": ("consumers/webhooks/queues.py", "waiting and stopped_because is null"),
    "webhooks.attempts_of_endpoint": ("consumers/webhooks/endpoints.py", "order by id desc limit"),
    "webhooks.attempts_by_time": ("consumers/webhooks/queues.py", "webhooks.attempts where at <"),
    "portal.links_by_end": ("prorata/portal/sessions.py", "portal.links where expires_at <"),
    "portal.sessions_by_end": ("prorata/portal/sessions.py", "portal.sessions where seen_at <"),
    "api.keys_of_tenant": ("prorata/keys/store.py", "tenant = %(tenant)s order by tenant"),
}
"""Index → the module that reads by it, and the condition or order there."""

_INDEXES = """
    select nspname || '.' || relname from pg_index join pg_class on pg_class.oid = indexrelid
    join pg_namespace on pg_namespace.oid = relnamespace
    where nspname !~ '^pg_' and nspname <> 'information_schema'
        and not exists (select from pg_constraint where conindid = indexrelid)
        and (not indisunique or relname = any(%(read)s))
"""


@pytest.fixture
def indexes(database_url: str) -> set[str]:
    """The indexes of all tables, but for those that only keep rows unique."""
    read = [name.partition(".")[2] for name in READERS]
    with psycopg.connect(migrated(database_url, migrations())) as connection:
        found: list[tuple[Any, ...]] = connection.execute(_INDEXES, {"read": read}).fetchall()
    return {name for (name,) in found}


def test_every_index_has_a_reader_that_is_named_here(indexes: set[str]) -> None:
    assert indexes == set(READERS)


def test_the_readers_read_as_they_are_named() -> None:
    for name, (module, condition) in READERS.items():
        text = " ".join((ROOT / module).read_text().split())
        assert " ".join(condition.split()) in text, name
