"""How the system stands: who lags, who holds the fence, what halted, what is parked and waits for somebody to
look and let it go on. Of accounts only those of the caller's tenant are named."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from typing import Any, Final, TypeVar

import msgspec
import psycopg
from msgspec.structs import replace

from consumers import dead_letters
from consumers.dead_letters import DeadLetter, ParkedKey
from consumers.effects import release as release_letters
from consumers.registry import handler_named
from domain.errors import Failure
from domain.texts import escaped
from eventlog.postgres.connect import Connection, connect
from projections.live.parking import Parked
from projections.live.parking import parked as parked_accounts
from projections.live.projector import Projector
from prorata.http.call import Call
from prorata.http.desk import Desk
from prorata.pages.console.correcting import actor_of
from prorata.status.asking import status_of
from prorata.status.report import Status
from prorata.status.sampling import EVERY, LagSeries
from publishing.topics import Topics

T = TypeVar("T")

_QUOTED_ID: Final = re.compile(r"""(['"])([^'"/\s]+)/(?:(?!\1).)*\1""")

_logger = logging.getLogger(__name__)


class Operating(msgspec.Struct, frozen=True):
    """How the system stands now. `others`: how many are parked of other tenants, who are not named here."""

    status: Status
    lags: tuple[LagSeries, ...]
    accounts: tuple[Parked, ...]
    keys: tuple[ParkedKey, ...]
    others: int


async def operating(desk: Desk, call: Call) -> Operating:
    """The state of the whole system, and what is parked of the tenant."""
    status = await desk.run(partial(status_of, desk.settings))
    if desk.lags.take(status):
        desk.later(_watching(desk))
    accounts = await desk.read(parked_accounts)
    keys = await desk.run(partial(_connected, desk, dead_letters.all_parked))
    own = tuple([one for one in accounts if _is_own(call, one.account_id)])
    own_keys = tuple([one for one in keys if _is_own(call, key_text(one.key))])
    others = len(accounts) + len(keys) - len(own) - len(own_keys)
    return Operating(named_for(call.tenant, status), desk.lags.series(), own, own_keys, others)


def named_for(tenant: str, status: Status) -> Status:
    """The status without the ids of other tenants' accounts, which halts and processes name in quotes."""

    def shown(text: str) -> str:
        return _QUOTED_ID.sub(
            lambda found: found[0] if found[2] == tenant else f"{found[1]}…{found[1]}", text
        )

    halts = tuple([replace(halt, message=shown(halt.message)) for halt in status.halts])
    processes = tuple([replace(process, doing=shown(process.doing)) for process in status.processes])
    return replace(status, halts=halts, processes=processes)


async def _watching(desk: Desk) -> None:
    """Look again and again from the first look on, so that the next one sees how it went."""
    while True:
        await asyncio.sleep(EVERY)
        with suppress(Failure, psycopg.Error):
            desk.lags.take(await desk.run(partial(status_of, desk.settings)))


class Released(msgspec.Struct, frozen=True):
    """What came of a release: `done`, else why it stays parked."""

    done: bool
    why: str = ""


async def release_account(desk: Desk, call: Call, account_id: str) -> Released:
    """Fold a parked account of the tenant anew, and let it go on."""
    if not _is_own(call, account_id):
        return Released(done=False, why="it is not parked")
    _note(call, "release", account_id)
    return await desk.run(partial(_told, partial(_release_account, desk, account_id)))


async def release_key(desk: Desk, call: Call, consumer: str, key: str) -> Released:
    """Let a consumer handle a parked key of the tenant anew."""
    if not _is_own(call, key):
        return Released(done=False, why="it is not parked")
    _note(call, "dlq release", f"{consumer} {key}")
    return await desk.run(
        partial(_told, partial(_connected, desk, partial(_release_key, desk, consumer, key)))
    )


def key_text(key: bytes) -> str:
    """A parked key as it is shown."""
    return escaped(bytes(key).decode(errors="backslashreplace"))


def _is_own(call: Call, key: str) -> bool:
    return key.startswith(f"{call.tenant}/")


def _note(call: Call, action: str, target: str) -> None:
    """Staff's actions stand in the server's log with who did them: they change no account's history."""
    told = {"actor": actor_of(call), "key": call.caller.id, "action": action, "target": target}
    _logger.warning("staff acted: %s", action, extra=told)


def _told(work: Callable[[], str]) -> Released:
    try:
        why = work()
    except psycopg.errors.InsufficientPrivilege:
        return Released(done=False, why="the server's login may not")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and nothing has changed
        return Released(done=False, why=f"{type(error).__name__}: {error}")
    return Released(done=not why, why=why)


def _release_account(desk: Desk, account_id: str) -> str:
    with Projector(desk.settings.database_url, desk.system.log) as projector:
        outcomes = projector.release(account_id)
    if not outcomes:
        return "it is not parked"
    return "; ".join(f"{name}: {failure.error}" for name, failure in outcomes.items() if failure is not None)


def _release_key(desk: Desk, consumer: str, key: str, connection: Connection) -> str:
    letters: list[DeadLetter] = [
        letter for letter in dead_letters.parked(connection, consumer) if key_text(letter.key) == key
    ]
    if not letters:
        return "it is not parked"
    prefix, handler = desk.settings.kafka_prefix, handler_named(consumer)
    for name, parked_key in sorted({(letter.topic, bytes(letter.key)) for letter in letters}):
        topic = Topics(prefix).find(name.removeprefix(prefix))
        release_letters(connection, handler, topic, parked_key, without_unreadable=False)
    return ""


def _connected(desk: Desk, work: Callable[[Any], T]) -> T:
    with closing(connect(desk.settings.database_url, "prorata console")) as connection:
        return work(connection)
