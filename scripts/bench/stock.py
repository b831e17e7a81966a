"""The peer: `eventsourcing` with its own PostgreSQL recorder, subscription and projection runner.

with stock_application(database_url) as application:
    fill(application, events=10_000)
    ids = [notification.id for notification in application.recorder.select_notifications(None, 500)]
rate, documents = project(database_url, events=10_000, folds=[entitlements.FOLD])

It gets every advantage: a connection for each caller, our decoder in place of its JSON transcoder, and a view
with each document as one JSON value, written by one statement besides the event's tracking.
"""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from threading import Event as Flag
from typing import Any, ClassVar, Final, TypeVar

import msgspec
import psycopg
from eventsourcing.application import Application
from eventsourcing.persistence import Mapper, StoredEvent, Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL, Composed, Identifier

from domain.events import Event
from eventlog import NewEvent
from eventlog.codec import Codec, domain_codec
from eventlog.history import EventPlace
from projections.fold import Fold
from scripts.bench.workload import batches

A = TypeVar("A", bound=Application[Any])

NAME: Final = f"eventsourcing {importlib.metadata.version('eventsourcing')}"
TABLE: Final = "billing_events"
"""The table of the package's events."""


class StockEvent(msgspec.Struct, frozen=True):
    """A domain event that satisfies the package's protocol."""

    originator_id: str
    originator_version: int
    event: Event


class DomainMapper(Mapper[str]):
    """Decodes with our codec, so that both sides do the same work."""

    codec: ClassVar[Codec[Event]] = domain_codec()

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """Decode the stored event."""
        event = self.codec.decode(stored_event.topic, 1, stored_event.state)
        return StockEvent(str(stored_event.originator_id), stored_event.originator_version, event)


class StockBilling(Application[str]):
    """The package's application on its own table."""

    name = "billing"

    def construct_mapper(self) -> Mapper[str]:
        """The mapper with our codec."""
        return DomainMapper(self.construct_transcoder())


class Documents(PostgresTrackingRecorder):
    """The view: a row for each document, written in one transaction with its event's tracking."""

    def __init__(self, datastore: Any, **options: Any) -> None:
        super().__init__(datastore, **options)
        self._table = Identifier(self.datastore.schema, f"{self.tracking_table_name}_documents")
        self.sql_create_statements.append(
            SQL(
                "create table if not exists {} (fold text, account_id text, key text, document json, "
                "primary key (fold, account_id, key))"
            ).format(self._table)
        )

    def show(self, rows: Sequence[tuple[str, str, str, str]], tracking: Tracking) -> None:
        """Write rows of (fold, account, key, document)."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            if rows:
                values = [value for row in rows for value in row]
                cursor.execute(self._insert(len(rows)), values, prepare=True)

    def all(self) -> dict[tuple[str, str, str], Any]:
        """(fold, account, key) → document, of every document."""
        with self.datastore.cursor() as cursor:
            cursor.execute(SQL("select * from {}").format(self._table))
            return {(r["fold"], r["account_id"], r["key"]): r["document"] for r in cursor.fetchall()}

    @cache  # noqa: B019 - a statement for each number of rows; the view lives as long as its run
    def _insert(self, rows: int) -> Composed:
        row = SQL("(%s, %s, %s, %s)")
        return SQL(
            "insert into {} values {} "
            "on conflict (fold, account_id, key) do update set document = excluded.document"
        ).format(self._table, SQL(", ").join([row] * rows))


class ReadModels(Projection[Documents]):
    """Runs our folds event by event, with the states of all accounts in memory."""

    name = "read_models"
    folds: ClassVar[Sequence[Fold[Any, Any]]] = ()

    def __init__(self, view: Documents) -> None:
        super().__init__(view)
        self._states: dict[tuple[str, str], Any] = {}
        self.done = 0

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """Fold the event, and write the documents that it changed."""
        place = _place(domain_event, tracking.notification_id)
        rows = []
        moved: dict[str, Any] = {}
        for fold in self.folds:
            evolution = fold.evolution
            if evolution.name not in moved:
                at = evolution.name, place.account_id
                state = evolution.apply(self._states.get(at) or evolution.start(), domain_event.event, place)
                moved[evolution.name] = state
                self._states[at] = evolution.at_rest(state)
            for document in fold.documents(moved[evolution.name]):
                if document.revision == place.position:
                    key = fold.key(document) or ""
                    shown = msgspec.json.encode(document).decode()
                    rows.append((fold.name, place.account_id, key, shown))
        self.view.show(rows, tracking)
        self.done += 1


def stock_application(database_url: str, callers: int = 1) -> AbstractContextManager[StockBilling]:
    """The application, with a connection for each of the callers."""
    return opened(StockBilling, database_url, callers)


@contextmanager
def opened(kind: type[A], database_url: str, callers: int = 1, ids: str = "text") -> Iterator[A]:
    """An application of that class on its own table; `ids`: the type of its accounts' ids."""
    application = kind(_environment(database_url, callers, ids))
    try:
        yield application
    finally:
        application.close()


def as_stock(account: str, version: int, event: NewEvent) -> StoredEvent:
    """The event in the package's form, with the same bytes."""
    return StoredEvent(originator_id=account, originator_version=version, topic=event.type, state=event.state)


def fill(
    application: Application[str],
    events: int,
    seed: int = 1,
    stored: Callable[[str, int, NewEvent], StoredEvent] = as_stock,
) -> None:
    """Append events of the workload, the same as `generate.fill` does, in the same order."""
    versions: dict[str, int] = {}
    for batch in batches(events, seed):
        new = []
        for account, of_account in batch:
            for event in of_account:
                versions[account] = versions.get(account, 0) + 1
                new.append(stored(account, versions[account], event))
        application.recorder.insert_events(new)


def project(
    database_url: str, events: int, folds: Sequence[Fold[Any, Any]]
) -> tuple[float, dict[tuple[str, str, str], Any]]:
    """Run the projection from an empty view; return its rate and the documents."""
    _forget_view(database_url)
    reached = Flag()
    times: list[float] = []

    class Counted(ReadModels):
        name = "read_models"

        def process_event(self, domain_event: Any, tracking: Tracking) -> None:
            if not self.done:
                times.append(time.perf_counter())
            super().process_event(domain_event, tracking)
            if self.done == events:
                times.append(time.perf_counter())
                reached.set()

    Counted.folds = tuple(folds)
    runner = ProjectionRunner(
        application_class=StockBilling,
        projection_class=Counted,
        view_class=Documents,
        env=_environment(database_url, 4),
    )
    with runner:
        while not reached.wait(0.05) and not runner.is_interrupted.is_set():
            pass
        documents = runner.view.all() if reached.is_set() else {}
    return events / (times[1] - times[0]), documents


def _forget_view(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("drop table if exists read_models_tracking, read_models_tracking_documents")


def _place(recorded: StockEvent, position: int) -> EventPlace:
    """The event's place. The package keeps no instant of recording, so the event's own instant is used."""
    return EventPlace(recorded.originator_id, recorded.originator_version, position, recorded.event.at)


def _environment(database_url: str, connections: int, ids: str = "text") -> dict[str, str]:
    with psycopg.connect(database_url) as connection:
        info = connection.info
        where = {
            "POSTGRES_DBNAME": info.dbname,
            "POSTGRES_HOST": info.host,
            "POSTGRES_PORT": str(info.port),
            "POSTGRES_USER": info.user,
            "POSTGRES_PASSWORD": info.password,
        }
    return where | {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_POOL_SIZE": str(connections),
        "ORIGINATOR_ID_TYPE": ids,
    }
