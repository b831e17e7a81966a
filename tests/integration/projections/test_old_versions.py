"""An event in an older schema version, from its bytes in the log to what people are shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from domain import events as e
from domain.commands import PurchaseAddon, PurchasePlan
from eventlog import EventUnreadable, Head, NewEvent, codec
from eventlog.audit.verify import verify
from eventlog.memory import MemoryEventLog
from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import migrate
from projections.history.as_of import AtVersion, as_of
from projections.live.projector import Projector
from projections.models import entitlements
from projections.rebuild.rebuilding import rebuild
from projections.registry import projection_named
from projections.tables import Connection
from service.schema import SERVICE
from tests.support.projections.fold_driver import Billing
from tests.support.terminal import Terminal

ACCOUNT = "main/a1"


def of_needs(fields: dict[str, Any]) -> dict[str, Any]:
    """Made up: version 1 named the one plan that an add-on needs, version 2 has all that it may need."""
    needs = fields.pop("needs")
    return {**fields, "requires": [] if needs is None else [needs]}


def lift_by(monkeypatch: pytest.MonkeyPatch, upcasters: dict[tuple[str, int], codec.Upcaster]) -> None:
    """From now on these upcasters are all that there are."""
    monkeypatch.setattr(codec, "UPCASTERS", upcasters)
    codec.domain_codec.cache_clear()


@pytest.fixture
def second_version(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Today's addon_purchased is its second version."""
    monkeypatch.setitem(e.SCHEMA_VERSIONS, "addon_purchased", 2)
    lift_by(monkeypatch, {("addon_purchased", 1): of_needs})
    yield
    codec.domain_codec.cache_clear()


@pytest.fixture
def old_history(second_version: None, log: PostgresEventLog) -> PostgresEventLog:
    """A plan, an add-on whose purchase was written in the first version, and one in the second."""
    twin = Billing(MemoryEventLog())
    twin.open(ACCOUNT, "2026-03-20")
    twin.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    twin.give(ACCOUNT, PurchaseAddon("dedicated_ip"), "2026-04-05")
    head = Head.NONE
    for stored in twin.log.read_account(ACCOUNT):
        state, version = stored.state, stored.schema_version
        if stored.type == "addon_purchased":
            fields = msgspec.json.decode(state)
            fields["needs"] = fields.pop("requires")[0]
            state, version = msgspec.json.encode(fields), 1
        new = NewEvent(uuid4(), None, stored.type, version, stored.effective_at, None, state)
        head = log.append(ACCOUNT, head, [new])[-1].head
    billing = Billing(log)
    billing.states = twin.states
    billing.give(ACCOUNT, PurchaseAddon("custom_domain"), "2026-04-06")
    return log


def versions_written(log: PostgresEventLog) -> list[int]:
    return [row.schema_version for row in log.read_account(ACCOUNT) if row.type == "addon_purchased"]


def test_it_is_folded_projected_and_rebuilt_like_any_other(
    old_history: PostgresEventLog, owner_url: str, projector: Projector, connection: Connection
) -> None:
    assert versions_written(old_history) == [1, 2]
    projector.run_once()
    document = entitlements.of_account(connection, ACCOUNT)
    assert document is not None
    assert [one.product for one in document.entitlements] == ["custom_domain", "dedicated_ip", "standard"]
    assert (document,) == as_of(old_history, entitlements.FOLD, ACCOUNT, AtVersion(99))
    for name in ("entitlements", "access_windows", "invoices", "calendar"):
        assert list(rebuild(owner_url, old_history, projection_named(name), swap=False)) == []


def test_its_bytes_stay_as_they_were_and_the_chain_holds(old_history: PostgresEventLog) -> None:
    [old, _] = [row for row in old_history.read_account(ACCOUNT) if row.type == "addon_purchased"]
    assert b'"needs":"standard"' in old.state
    assert verify(old_history) is None


def test_it_is_shown_and_told_at_the_command_line(
    old_history: PostgresEventLog, owner_url: str, prorata: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRORATA_DATABASE_URL", owner_url)
    migrate(owner_url, [SERVICE])
    shown = prorata("show", "a1", "--at", "2026-04-05", "--json")
    assert shown.exit_code == 0, shown.err
    answer = msgspec.json.decode(shown.out)
    assert answer["state"]["addons"]["dedicated_ip"]["requires"] == ["standard"]
    assert answer["usable"] == ["dedicated_ip", "standard"]
    told = prorata("history", "a1")
    assert "dedicated_ip was bought and is paid to 20 Apr 2026." in told.out
    changed = prorata("diff", "a1", "--from", "version:1", "--to", "2026-04-07")
    assert "dedicated_ip is new: active" in changed.out


def test_without_its_upcaster_it_is_reported_with_its_place(
    old_history: PostgresEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    lift_by(monkeypatch, {})
    with pytest.raises(EventUnreadable, match="add an upcaster") as unreadable:
        as_of(old_history, entitlements.FOLD, ACCOUNT)
    assert (unreadable.value.account_id, unreadable.value.version) == (ACCOUNT, 5)


@pytest.fixture
def prorata(capsys: pytest.CaptureFixture[str]) -> Terminal:
    """The command line, in this process, where the made-up version is known."""
    return Terminal(capsys)
