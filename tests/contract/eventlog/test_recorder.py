"""The log as a recorder of `eventsourcing`: the package's own test cases, and its application on our log.

The cases begin most streams at INITIAL_VERSION but some at 0. All streams of a recorder have one first
version, so both are 0 here.
"""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import pytest
from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import (
    ApplicationRecorder,
    DataError,
    IntegrityError,
    OperationalError,
    StoredEvent,
    Tracking,
)
from eventsourcing.popo import POPOTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner

from eventlog import EventLog, Head, LogUnavailable
from eventlog.audit.verify import verify
from eventlog.memory import MemoryEventLog
from eventlog.postgres.log import PostgresEventLog
from eventlog.recorder import LogAggregateRecorder, LogApplicationRecorder
from tests.support.eventlog import package_cases
from tests.support.eventlog.sample_events import new_event

PAGE = Path(__file__).parents[3] / "docs" / "eventsourcing.md"


class AggregateCases(package_cases.AggregateRecorderTestCase):
    """What the package expects of a recorder of streams."""

    INITIAL_VERSION = 0
    log: EventLog

    def create_recorder(self) -> LogAggregateRecorder:
        return LogAggregateRecorder(self.log, first_version=0)


class ApplicationCases(package_cases.ApplicationRecorderTestCase[LogApplicationRecorder]):
    """What it expects of a recorder that also has one sequence, with its optional part, subscriptions."""

    INITIAL_VERSION = 0
    EXPECT_CONTIGUOUS_NOTIFICATION_IDS = False
    log: EventLog

    def create_recorder(self) -> LogApplicationRecorder:
        return LogApplicationRecorder(self.log, first_version=0)

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestAggregateCasesInMemory(AggregateCases):
    @pytest.fixture(autouse=True)
    def given_log(self) -> None:
        self.log = MemoryEventLog()


class TestApplicationCasesInMemory(ApplicationCases):
    @pytest.fixture(autouse=True)
    def given_log(self) -> None:
        self.log = MemoryEventLog()


class TestAggregateCasesInPostgres(AggregateCases):
    @pytest.fixture(autouse=True)
    def given_log(self, service_url: str) -> Iterator[None]:
        self.log = log = PostgresEventLog(service_url)
        yield
        log.close()


class TestApplicationCasesInPostgres(ApplicationCases):
    @pytest.fixture(autouse=True)
    def given_log(self, service_url: str) -> Iterator[None]:
        self.log = log = PostgresEventLog(service_url)
        yield
        log.close()


del AggregateCases, ApplicationCases


class Meter(Aggregate):
    """An aggregate in the package's manner."""

    class Counted(Aggregate.Event):
        count: int

    def __init__(self) -> None:
        self.count = 0

    @event(Counted)
    def add(self, count: int) -> None:
        self.count += count


class Meters(Application[UUID]):
    """Its application, with our log for a recorder."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        super().__init__()

    def construct_recorder(self) -> ApplicationRecorder:
        return LogApplicationRecorder(self._log)


def test_an_application_of_the_package_keeps_its_aggregates_in_the_log(log: EventLog) -> None:
    meters, meter = Meters(log), Meter()
    meter.add(2)
    meter.add(3)
    meters.save(meter)
    found: Meter = meters.repository.get(meter.id)
    assert (found.count, found.version) == (5, 3)
    earlier: Meter = meters.repository.get(meter.id, version=2)
    assert earlier.count == 2
    with pytest.raises(AggregateNotFoundError):
        meters.repository.get(uuid4())
    assert log.head(str(meter.id)).version == 3
    assert verify(log) is None


def test_of_two_who_changed_an_aggregate_the_second_is_refused(log: EventLog) -> None:
    meters, meter = Meters(log), Meter()
    meters.save(meter)
    one: Meter = meters.repository.get(meter.id)
    other: Meter = meters.repository.get(meter.id)
    one.add(1)
    other.add(2)
    meters.save(one)
    with pytest.raises(IntegrityError):
        meters.save(other)


def test_aggregates_that_are_saved_together_are_saved_all_or_none(log: EventLog) -> None:
    meters, known, new = Meters(log), Meter(), Meter()
    meters.save(known)
    stale: Meter = meters.repository.get(known.id)
    known.add(1)
    meters.save(known)
    stale.add(1)
    with pytest.raises(IntegrityError):
        meters.save(new, stale)
    assert log.head(str(new.id)) == Head.NONE
    new = Meter()
    known.add(1)
    recorded = meters.save(new, known)
    assert [recording.notification.originator_id for recording in recorded] == [new.id, known.id]
    notifications = {found.id: found for found in meters.notification_log.select(start=1, limit=10)}
    for recording in recorded:
        assert notifications[recording.notification.id].originator_id == recording.notification.originator_id


def test_the_notification_log_has_every_event_in_order(log: EventLog) -> None:
    meters = Meters(log)
    for _ in range(3):
        meter = Meter()
        meter.add(1)
        meters.save(meter)
    notifications = meters.notification_log.select(start=1, limit=10)
    assert [found.id for found in notifications] == [event.position for event in log.read_settled(0, 10)]
    assert [found.originator_version for found in notifications] == [1, 2] * 3


class Seen(POPOTrackingRecorder):
    """What a projection has seen of streams, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: list[int] = []


class Counts(Projection[Seen]):
    """Sees what was counted; fails at a negative count."""

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        self.view.insert_tracking(tracking)

    @process_event.register
    def _(self, counted: Meter.Counted, tracking: Tracking) -> None:
        if counted.count < 0:
            raise ValueError("counted backwards")
        self.view.insert_tracking(tracking)
        self.view.counts.append(counted.count)


def runner_on(log: EventLog) -> ProjectionRunner[Any, Seen]:
    """The package's runner, of the projection above, on an application of this log."""

    class Here(Meters):
        name = "Meters"

        def __init__(self, _env: object = None) -> None:
            super().__init__(log)

    return ProjectionRunner(application_class=Here, projection_class=Counts, view_class=Seen)


def test_a_projection_runner_of_the_package_follows_the_log_while_it_grows(log: EventLog) -> None:
    meters, meter = Meters(log), Meter()
    meter.add(1)
    before = meters.save(meter)
    with runner_on(log) as runner:
        runner.wait(before[-1].notification.id, timeout=20)
        assert runner.projection.view.counts == [1]
        meter.add(2)
        meter.add(3)
        while_running = meters.save(meter)
        runner.wait(while_running[-1].notification.id, timeout=20)
        assert runner.projection.view.counts == [1, 2, 3]
        assert runner.projection.view.max_tracking_id("Meters") == log.last_position()


def test_what_a_projection_of_the_package_raises_ends_its_runner(log: EventLog) -> None:
    meters, meter = Meters(log), Meter()
    meter.add(-1)
    meters.save(meter)
    with pytest.raises(ValueError, match="counted backwards"), runner_on(log) as runner:
        runner.run_forever(timeout=20)


def test_the_example_of_the_page_works_as_it_is_written(
    log: EventLog, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    programs: list[str] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    [program] = [program for program in programs if "ProjectionRunner" in program]
    page = ModuleType(f"page_{uuid4().hex}")  # the package keeps classes by their modules
    monkeypatch.setitem(sys.modules, page.__name__, page)
    run: Callable[[str, dict[str, Any]], None] = exec
    vars(page)["log"] = log
    run(program, vars(page))
    assert capsys.readouterr().out == "5\n"


@pytest.mark.parametrize("versions", [[2], [1, 3], [2, 1], [1, 1], [0]])
def test_a_stream_without_gaps_from_its_first_version_on_is_all_that_is_taken(
    log: EventLog, versions: list[int]
) -> None:
    stream = uuid4()
    with pytest.raises(IntegrityError):
        LogApplicationRecorder(log).insert_events(
            [StoredEvent(stream, version, "topic", b"") for version in versions]
        )
    assert log.last_position() == 0


def test_what_the_log_refuses_is_the_package_s_data_error(log: EventLog) -> None:
    with pytest.raises(DataError):
        LogApplicationRecorder(log).insert_events([StoredEvent(uuid4(), 1, "to\0pic", b"")])


def test_a_log_out_of_reach_is_the_package_s_operational_error() -> None:
    class OutOfReach(MemoryEventLog):
        def head(self, account_id: str) -> Head:
            raise LogUnavailable("connection refused")

    with pytest.raises(OperationalError, match="connection refused"):
        LogApplicationRecorder(OutOfReach()).select_events(uuid4())


def test_streams_may_have_names_instead_of_uuids(log: EventLog) -> None:
    recorder = LogApplicationRecorder(log, id_type=str)
    log.append("acme/a", Head.NONE, [new_event(), new_event()])
    assert [event.originator_id for event in recorder.select_events("acme/a")] == ["acme/a"] * 2
    recorder.insert_events([StoredEvent("acme/a", 3, "topic", b"state")])
    assert log.head("acme/a").version == 3


@pytest.mark.parametrize(
    ("selected", "expected"),
    [
        (lambda r, s: r.select_events(s, desc=True), [5, 4, 3, 2, 1]),
        (lambda r, s: r.select_events(s, desc=True, limit=2), [5, 4]),
        (lambda r, s: r.select_events(s, lte=4, desc=True, limit=2), [4, 3]),
        (lambda r, s: r.select_events(s, gt=2, lte=4), [3, 4]),
        (lambda r, s: r.select_events(s, gt=1, limit=2), [2, 3]),
        (lambda r, s: r.select_events(s, gt=3, lte=9, desc=True, limit=9), [5, 4]),
        (lambda r, s: r.select_events(s, gt=5), []),
        (lambda r, s: r.select_events(s, limit=0), []),
    ],
)
def test_a_stream_is_selected_between_versions_from_either_end(
    log: EventLog,
    selected: Callable[[LogApplicationRecorder, UUID], Sequence[StoredEvent]],
    expected: list[int],
) -> None:
    recorder, stream = LogApplicationRecorder(log), uuid4()
    recorder.insert_events([StoredEvent(stream, version, "topic", b"") for version in range(1, 6)])
    assert [event.originator_version for event in selected(recorder, stream)] == expected


def test_a_subscription_that_waits_is_ended_from_another_thread(log: EventLog) -> None:
    subscription = LogApplicationRecorder(log).subscribe()
    with ThreadPoolExecutor(1) as pool, subscription:
        waiting = pool.submit(list, subscription)
        subscription.stop()
        assert waiting.result(timeout=20) == []


def test_a_subscription_delivers_what_is_appended_while_it_waits(log: EventLog) -> None:
    recorder, stream = LogApplicationRecorder(log), uuid4()
    with ThreadPoolExecutor(1) as pool, recorder.subscribe(topics=["wanted"]) as subscription:
        waiting = pool.submit(next, subscription)
        recorder.insert_events([StoredEvent(stream, 1, "other", b""), StoredEvent(stream, 2, "wanted", b"")])
        assert waiting.result(timeout=20).originator_version == 2
