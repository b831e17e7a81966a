"""A session of commands given as lines: each is parsed, done and answered, in order.

session = CommandSession(service, catalogues, clock, tenant="main", lives_on="wall")
for line in sys.stdin.buffer:
    print(msgspec.json.encode(session.answer_line(line)).decode())
"""

from __future__ import annotations

import logging
from functools import partial

import psycopg
from msgspec import UNSET
from msgspec.structs import replace

from domain import commands as c
from domain.calendar import Instant, parse_moment
from domain.catalog_file import named_policies
from domain.errors import OWN_FAULT, Failure, InvalidInput
from domain.events import Clock as ClockName
from domain.state import Account
from eventlog.errors import LogUnavailable, WrongDatabase
from service.answering import GivenCommand
from service.asked import OpenLine, PaymentAnswered, PaymentMethod
from service.catalogues import CatalogueLibrary
from service.clock import Clock, checked_now
from service.commands import (
    AnswerLine,
    Invalid,
    ParsedCommand,
    answered,
    answered_invalid,
    check_tenant,
    parse_line,
)
from service.completing import complete
from service.errors import (
    ClockAhead,
    Contended,
    Fate,
    GatewayUnavailable,
    LineFailed,
    LineUnanswered,
    Unanswered,
    VersionChanged,
)
from service.gateways.port import SettableGateway
from service.service import BillingService

_logger = logging.getLogger(__name__)


class CommandSession:
    """Answers lines for the accounts of one tenant that live on one of the clocks."""

    def __init__(
        self,
        service: BillingService,
        catalogues: CatalogueLibrary,
        clock: Clock,
        *,
        tenant: str,
        lives_on: ClockName,
    ) -> None:
        """Raises InvalidInput for a tenant that cannot be one."""
        self._service = service
        self._catalogues = catalogues
        self._clock = clock
        self._tenant = check_tenant(tenant)
        self._lives_on = lives_on
        self._lines = 0

    def answer_line(self, line: bytes, if_version: int | None = None) -> AnswerLine:
        """As `answer`, of a service whose ports block (`service.completing`)."""
        return complete(self.answer(line, if_version))

    async def answer(self, line: bytes, if_version: int | None = None) -> AnswerLine:
        """The answer to the next line. `if_version`: the account's version that the command was decided on
        (VersionChanged where it is another).

        Raises LineUnanswered, which names the line, where the system could not be reached; LineFailed where
        the fault is the account's or the code's own.
        """
        self._lines += 1
        parsed = parse_line(line, self._tenant, self._lives_on)
        if isinstance(parsed, Invalid):
            return answered_invalid(parsed)
        try:
            given = await self._given(parsed, if_version)
        except InvalidInput as error:
            return answered_invalid(
                Invalid(error.code, error.message, error.place, parsed.account, parsed.id)
            )
        except Unanswered as error:
            raise self._unanswered(error.fate, parsed, error.reason) from error
        except (LogUnavailable, GatewayUnavailable) as error:
            raise self._unanswered("unreachable", parsed, error.reason) from error
        except Contended as error:
            raise self._unanswered("unreachable", parsed, error.what) from error
        except (WrongDatabase, ClockAhead, VersionChanged, psycopg.Error):
            raise
        except Exception as error:
            raise self._failed(parsed, error) from error
        return answered(parsed, given.answer, given.version, given.reference)

    async def _given(self, parsed: ParsedCommand, if_version: int | None) -> GivenCommand:
        self._service.check_clock(self._lives_on)  # before a catalogue is kept, or anything else
        at = await self._at(parsed)
        if isinstance(parsed.asked, PaymentMethod):
            return await self._play_method(parsed.account_id, at, parsed.asked)
        if isinstance(parsed.asked, PaymentAnswered):
            return await self._play_answer(parsed.account_id, at, parsed.asked)
        request = c.Request(
            await self._command(parsed),
            at,
            self._lives_on,
            parsed.role,
            parsed.id,
            parsed.cvv,
            parsed.billing,
            parsed.expected_total,
        )
        if parsed.preview:
            return await self._service.preview(parsed.account_id, request)
        if parsed.refund_fails is not None and self._lives_on == "test":
            await self._service.play_refunds(parsed.account_id, work=not parsed.refund_fails)
        return await self._service.handle(
            parsed.account_id,
            request,
            means=parsed.means,
            method=parsed.method,
            actor=parsed.actor,
            if_version=if_version,
        )

    async def _play_method(self, account_id: str, at: Instant, asked: PaymentMethod) -> GivenCommand:
        """From now on every payment of the account is answered so."""

        async def set_method(gateway: SettableGateway, _: Account) -> None:
            await gateway.set_saved_method(
                account_id, works=asked.works, final=asked.final, pending=asked.pending
            )

        return await self._service.play(account_id, at, set_method)

    async def _play_answer(self, account_id: str, at: Instant, asked: PaymentAnswered) -> GivenCommand:
        """The payment that waits ends so at the gateway, which then says it (R96); or the late one (R98)."""

        async def end(gateway: SettableGateway, state: Account) -> None:
            key = await self._service.payment_key(account_id, state)
            if asked.invoice is None and key is not None:
                await gateway.answer_waiting(key, asked.answer)

        given = await self._service.play(account_id, at, end)
        if given.answer.outcome != "accepted":
            return given
        if asked.invoice is not None:
            paid = asked.answer == "paid"
            await self._service.late_payment_answered(account_id, asked.invoice, paid=paid, at=at)
        elif await self._service.payment_answered(account_id, at):
            await self._service.settle(account_id, at)
        state = await self._service.last_seen(account_id)
        return replace(given, version=None if state is None else state.version)

    async def _at(self, parsed: ParsedCommand) -> Instant:
        """The instant of the command: on a test clock as the line says, in the account's zone."""
        if parsed.at is None:
            return await checked_now(self._clock, self._service.off_loop)
        if isinstance(parsed.asked, OpenLine):
            return parse_moment(parsed.at, parsed.asked.time_zone, "$.at")
        state = await self._service.last_seen(parsed.account_id)
        return parse_moment(parsed.at, "UTC" if state is None else state.time_zone, "$.at")

    async def _command(self, parsed: ParsedCommand) -> c.Command:
        asked = parsed.asked
        if isinstance(asked, OpenLine):
            return c.OpenAccount(
                asked.currency, asked.time_zone, self._lives_on, await self._catalog(parsed, asked)
            )
        assert not isinstance(asked, PaymentMethod | PaymentAnswered)
        return asked

    async def _catalog(self, parsed: ParsedCommand, asked: OpenLine) -> str | None:
        """The digest of the account's own catalogue (test clock). For an account that is open already its own
        is taken, so that the same line given again is the same command."""
        if self._lives_on == "wall":
            return None
        given = None if asked.catalog is UNSET else asked.catalog
        policies = None if asked.policies is UNSET else named_policies(asked.policies)
        tax = None if asked.tax is UNSET else asked.tax
        discounts = None if asked.discounts is UNSET else asked.discounts
        if (
            all(own is None for own in (given, policies, tax, discounts))
            and (state := await self._service.last_seen(parsed.account_id)) is not None
        ):
            return state.catalog
        pin = partial(self._catalogues.pin, given, policies, tax, discounts, keep=not parsed.preview)
        return await self._service.off_loop(pin)

    def _failed(self, parsed: ParsedCommand, error: Exception) -> LineFailed:
        """What any line may meet: an event that cannot be read, an altered row, a fault of the code."""
        line = self._lines
        if isinstance(error, Failure):
            about = error.what, error.code, error.exit_code, error.remedy
        else:
            _logger.error("line %d failed", line, exc_info=error, extra={"account": parsed.account_id})
            reason = f"{type(error).__name__}: {error}"
            about = reason, "internal_error", OWN_FAULT, "this is a fault of Prorata's own: please report it"
        reason, code, exit_code, remedy = about
        return LineFailed(line, parsed.account, parsed.id, reason, code, exit_code, remedy)

    def _unanswered(self, fate: Fate, parsed: ParsedCommand, reason: str) -> LineUnanswered:
        return LineUnanswered(fate, parsed.account_id, parsed.id, reason, self._lines)
