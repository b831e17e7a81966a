"""Billing details on PostgreSQL: in versions that events name, sealed, and erased (R92, R93)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime

import psycopg
import pytest
from msgspec.structs import replace

from domain import events as e
from domain.errors import InvalidInput
from eventlog.audit.verify import verify_database
from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import EVENTLOG
from prorata.roles import SERVICE as SERVICE_ROLE
from scripts.servers.postgres import PostgresServer
from service.account_log import BlockingLog
from service.answering import GivenCommand
from service.completing import complete
from service.errors import Unanswered
from service.persons import PERSONS
from service.persons.desk import DetailsDesk, ShownDetails, rewrap
from service.persons.details import BillingDetails, details_in
from service.persons.erasing import Eraser
from service.persons.store import PostgresDetails
from service.persons.vault import DetailsUnreadable, Vault, new_key
from service.schema import SERVICE
from tests.support.roles import login, migrated
from tests.support.service.world import NOW, Process, World

ZOE = BillingDetails(
    "Zoë Quillfeather",
    "FR",
    address=("17 Rue des Xylophones",),
    city="Pérouges",
    postal_code="01800",
    email="Zoe.Quillfeather@example.test",
    phone="+33 4 56 00 17 99",
    person="p-17",
)


@dataclass
class Office:
    """One process that keeps details."""

    world: World
    store: PostgresDetails
    desk: DetailsDesk
    eraser: Eraser

    def give(
        self, details: BillingDetails, *, account: str = "a1", role: str = "owner", key: str | None = None
    ) -> GivenCommand:
        return complete(
            self.desk.give(f"main/{account}", details, role=role, command_id=key, at=self.world.clock.now())
        )

    def current(self, account: str = "a1", role: str = "owner") -> ShownDetails | None:
        return complete(self.desk.current(f"main/{account}", role=role))

    def named(self, account: str = "a1") -> list[int | None]:
        """The versions that the account's events name."""
        return [event.details for event in self.world.history(account) if isinstance(event, e.TaxProfileSet)]


def move(office: Office, to: datetime) -> None:
    """Set the clock."""
    office.world.clock.at = to


def office_of(world: World, store: PostgresDetails, keys: str) -> Office:
    log = BlockingLog(world.log)
    desk = DetailsDesk(world.service.core, log, store, Vault(keys), world.clock)
    return Office(world, store, desk, Eraser(log, store, world.clock))


@pytest.fixture
def keys() -> str:
    return new_key()


@pytest.fixture
def store(service_url: str) -> Iterator[PostgresDetails]:
    with closing(PostgresDetails(service_url)) as store:
        yield store


@pytest.fixture
def office(world: World, store: PostgresDetails, keys: str) -> Office:
    world.open()
    return office_of(world, store, keys)


def test_details_are_given_in_versions_that_events_name(office: Office) -> None:
    assert office.give(ZOE).answer.outcome == "accepted"
    assert office.give(replace(ZOE, city="Lyon")).answer.outcome == "accepted"

    assert office.named() == [1, 2]
    shown = office.current()
    assert shown is not None
    assert (shown.version, shown.details.city, shown.given_at) == (2, "Lyon", NOW)
    first = complete(office.desk.version("main/a1", 1, role="owner"))
    assert first is not None
    assert first.details == ZOE


def test_a_command_given_again_makes_no_second_version(office: Office) -> None:
    answer = office.give(ZOE, key="k-1")
    office.give(replace(ZOE, city="Lyon"), key="k-2")

    assert office.give(ZOE, key="k-1").answer == answer.answer
    assert office.named() == [1, 2]
    assert len(office.store.versions("main/a1")) == 2


def test_a_command_id_stands_for_the_details_it_was_first_given_with(office: Office) -> None:
    office.give(ZOE, key="k-1")

    answer = office.give(replace(ZOE, phone="1"), key="k-1").answer

    assert (answer.outcome, answer.code) == ("rejected", "command_id_reused")
    assert office.named() == [1]


def test_a_command_given_again_after_its_id_was_checked_is_still_the_same(office: Office) -> None:
    business = replace(ZOE, kind="business", company="Quill SARL", vat_id="FR12345678901")
    first = office.give(business, key="k-1")
    confirmed = {"do": "set_tax_profile", "account": "a1", "country": "FR", "kind": "business"}
    office.world.say(**confirmed, vat_id="confirmed", by="finance", at="2026-03-20T10:00")

    assert office.give(business, key="k-1").answer == first.answer
    shown = office.current()
    assert shown is not None
    assert shown.vat_id_status == "confirmed"


def test_what_is_refused_leaves_no_details(office: Office) -> None:
    answer = office.give(ZOE, role="viewer").answer

    assert answer.code == "forbidden"
    assert [kept.sealed for kept in office.store.versions("main/a1")] == [None]
    assert office.current() is None


def test_details_of_an_unknown_account_are_not_kept(office: Office) -> None:
    assert office.give(ZOE, account="nobody").answer.code == "unknown_account"
    assert office.store.versions("main/nobody") == []


def test_where_the_log_was_lost_the_same_command_finds_its_version(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_: object, **__: object) -> GivenCommand:
        raise Unanswered("unreachable", "main/a1", "k-1", "gone")

    with monkeypatch.context() as patched:
        patched.setattr(office.world.service.core, "handle", lost)
        with pytest.raises(Unanswered):
            office.give(ZOE, key="k-1")
    assert office.current() is None

    office.give(ZOE, key="k-1")

    assert office.named() == [1]
    assert len(office.store.versions("main/a1")) == 1


class TestOnTheWallClock:
    """What was checked of a VAT id counts for that id alone."""

    @pytest.fixture
    def office(self, world: World, store: PostgresDetails, keys: str) -> Office:
        world.open(at=None)
        return office_of(world, store, keys)

    def test_an_id_that_was_confirmed_stays_so_with_a_new_address_and_not_with_a_new_id(
        self, office: Office
    ) -> None:
        business = replace(ZOE, kind="business", company="Quill SARL", vat_id="FR12345678901")
        office.give(business)
        checked = {"do": "set_tax_profile", "account": "a1", "country": "FR", "kind": "business"}
        office.world.say_now(**checked, vat_id="confirmed", by="finance")

        office.give(replace(business, city="Lyon"))
        assert _status(office) == "confirmed"
        office.give(replace(business, vat_id="FR99999999999"))
        assert _status(office) == "unconfirmed"
        office.give(replace(business, vat_id=None))
        assert _status(office) == "none"

    def test_an_exemption_ends_with_the_country(self, office: Office) -> None:
        office.give(ZOE)
        exempt = {"do": "set_tax_profile", "account": "a1", "country": "FR", "kind": "consumer"}
        office.world.say_now(**exempt, exempt_until="2027-01-01", by="finance")

        office.give(replace(ZOE, city="Lyon"))
        assert _exempt_until(office) == date(2027, 1, 1)
        office.give(replace(ZOE, country="DE"))
        assert _exempt_until(office) is None


def test_erasure_destroys_what_no_document_names_and_locks_the_rest(office: Office) -> None:
    office.give(ZOE)
    plan = {"do": "purchase_plan", "account": "a1", "product": "standard", "at": "2026-03-20T12:00"}
    assert office.world.say(**plan).outcome == "accepted"
    move(office, datetime(2026, 3, 21, tzinfo=UTC))
    office.give(replace(ZOE, city="Lyon"))

    erased = complete(office.eraser.erase_account("main/a1"))

    assert erased.destroyed == (2,)
    assert erased.locked == {1: date(2037, 1, 1)}
    assert office.current() is None
    assert complete(office.desk.version("main/a1", 1, role="owner")) is None
    kept = complete(office.desk.version("main/a1", 1, role="finance"))
    assert kept is not None
    assert (kept.details, kept.locked_until) == (ZOE, date(2037, 1, 1))
    assert complete(office.eraser.erase_account("main/a1")).destroyed == ()


def test_what_was_locked_is_destroyed_when_its_last_document_may_go(office: Office) -> None:
    office.give(ZOE)
    plan = {"do": "purchase_plan", "account": "a1", "product": "standard", "at": "2026-03-20T12:00"}
    assert office.world.say(**plan).outcome == "accepted"
    complete(office.eraser.erase_account("main/a1"))

    move(office, datetime(2036, 12, 31, 23, 59, tzinfo=UTC))
    assert office.eraser.destroy_past() == []
    move(office, datetime(2037, 1, 1, tzinfo=UTC))
    assert office.eraser.destroy_past() == [("main/a1", 1)]
    assert complete(office.desk.version("main/a1", 1, role="finance")) is None


def test_a_person_is_erased_from_every_account(office: Office) -> None:
    office.world.open("a2")
    office.world.open("a3")
    office.give(ZOE)
    office.give(ZOE, account="a2")
    office.give(replace(ZOE, person="p-18"), account="a3")

    erased = complete(office.eraser.erase_person("p-17"))

    assert [one.account_id for one in erased] == ["main/a1", "main/a2"]
    assert office.current("a2") is None
    assert office.current("a3") is not None


def test_accounts_are_found_by_an_address_however_it_is_written_until_it_is_erased(office: Office) -> None:
    office.give(ZOE)

    assert complete(office.desk.accounts_with_email(" zoe.quillfeather@EXAMPLE.test")) == ["main/a1"]
    complete(office.eraser.erase_account("main/a1"))
    assert complete(office.desk.accounts_with_email("Zoe.Quillfeather@example.test")) == []


def test_a_new_key_of_the_system_replaces_the_old_one(
    office: Office, store: PostgresDetails, keys: str
) -> None:
    office.give(ZOE)
    newer = new_key()

    assert rewrap(store, Vault(f"{newer}\n{keys}")) == 1

    renewed = office_of(office.world, store, newer)
    shown = renewed.current()
    assert shown is not None
    assert shown.details == ZOE
    assert complete(renewed.desk.accounts_with_email("zoe.quillfeather@example.test")) == ["main/a1"]
    with pytest.raises(DetailsUnreadable):
        office.current()


def test_details_that_were_put_into_another_account_are_not_opened(office: Office, database_url: str) -> None:
    office.world.open("a2")
    office.give(ZOE)
    office.give(replace(ZOE, name="Else"), account="a2")
    move = """
        update persons.details taken set key = given.key, sealed = given.sealed from persons.details given
        where taken.account_id = 'main/a2' and given.account_id = 'main/a1'
    """
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(move)

    with pytest.raises(DetailsUnreadable, match="version 1 of the billing details of main/a2"):
        office.current("a2")


@pytest.mark.parametrize(
    ("document", "code", "place"),
    [
        ({"country": "FR"}, "invalid_details", "$"),
        ({"name": "Z", "country": "France"}, "invalid_details", "$.country"),
        ({"name": "Z", "country": "FR", "email": "no address"}, "invalid_details", "$.email"),
        ({"name": "Z\n", "country": "FR"}, "invalid_text", "$.name"),
        ({"name": "Z", "country": "FR", "card": "x"}, "invalid_details", "$"),
        ({"name": "Z", "country": "FR", "address": ["a"] * 5}, "invalid_details", "$.address"),
        ([], "invalid_details", "$"),
    ],
)
def test_details_that_cannot_be_kept_are_refused_with_their_place(
    document: object, code: str, place: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        details_in(document)
    assert (refused.value.code, refused.value.place) == (code, place)


def test_no_file_of_the_database_and_no_line_of_its_log_holds_anything_of_a_person(
    own_postgres: PostgresServer, keys: str, process: Process
) -> None:
    url = own_postgres.create_database("prorata")
    login_url = login(migrated(url, [EVENTLOG, SERVICE, PERSONS]), SERVICE_ROLE)
    with psycopg.connect(url, autocommit=True) as superuser:
        superuser.execute("alter system set log_statement = 'all'")
        superuser.execute("select pg_reload_conf()")
        base = process()
        with closing(PostgresEventLog(login_url, clock=base.clock.now)) as log:
            world = base.twin(log=log)
            world.open()
            with closing(PostgresDetails(login_url)) as store:
                office = office_of(world, store, keys)
                office.give(ZOE, key="k-1")
                world.say(do="purchase_plan", account="a1", product="standard", at="2026-03-20T12:00")
                complete(office.eraser.erase_account("main/a1"))
        superuser.execute("checkpoint")
        assert verify_database(url).whole

    found = _files_with(own_postgres, [b"persons.details"])
    assert found, "the search sees the statements in the server's log"
    traces = [ZOE.name, ZOE.address[0], "Pérouges", "Quillfeather", "example.test", "00 17 99"]
    assert _files_with(own_postgres, [text.encode() for text in traces]) == []


def _files_with(server: PostgresServer, texts: list[bytes]) -> list[str]:
    """The files below the server's folder that hold any of the texts in any case."""
    files = [path for path in sorted(server.directory.rglob("*")) if path.is_file()]
    return [path.name for path in files if _holds_any(path.read_bytes().lower(), texts)]


def _holds_any(content: bytes, texts: list[bytes]) -> bool:
    return any(text.lower() in content for text in texts)


def _status(office: Office) -> str:
    shown = office.current()
    assert shown is not None
    return shown.vat_id_status


def _exempt_until(office: Office) -> date | None:
    state = office.world.service.account("main/a1")
    assert state is not None
    assert state.standing.tax_profile is not None
    return state.standing.tax_profile.exempt_until
