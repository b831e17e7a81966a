"""Decode scenario files strictly: a field that the format does not have makes a file invalid."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from domain.calendar import Instant, check_time_zone, parse_date, parse_moment
from domain.catalog import Catalog, convert_catalog, parse_catalog
from domain.catalog_file import NamedPolicies, check_catalog_texts
from domain.codes import DiscountCode
from domain.commands import Command, CreditNote, Reissue, SetPaymentMethod
from domain.errors import InvalidInput, decoder_said
from domain.money import MAX_DIGITS, check_currency
from domain.own_catalog import laid_over
from domain.repeated_names import repeated_name
from domain.tax import TaxTable
from domain.terms import INVALID_DISCOUNTS, INVALID_TAX, codes_of, null_in, table_of
from domain.terms_file import CodeFile, TaxFile
from domain.texts import check_document
from prorata.simulation.expected import (
    Amount,
    Expectation,
    ExpectedAnswer,
    Moment,
    Name,
    Object,
    Price,
)

Rule = Annotated[str, Meta(pattern=r"^R([1-9]|[1-8][0-9]|9[0-8]|8a|41a)\Z")]
Code = Literal[
    "command_id_reused", "unknown_account", "forbidden", "account_closed", "unknown_product",
    "no_price", "own_process", "already_active", "not_held", "plan_paused", "not_paused",
    "already_paused", "not_pausable", "cancellation_pending", "change_pending", "pause_limit",
    "invalid_date", "free_already_used", "monthly_plan_active", "nothing_to_undo", "nothing_due",
    "balance_due", "prerequisite_missing", "past_due", "payment_locked", "confirmation_required",
    "quote_changed", "payment_declined", "payment_in_progress", "dispute_open", "billing_details_missing",
    "tax_unavailable", "unknown_discount", "discount_over", "already_used", "unknown_invoice",
    "not_creditable",
    "over_credited", "limit_exceeded",
]  # fmt: skip


# ---- steps ---------------------------------------------------------------


class Confirm(Object, frozen=True):
    """The parts of the confirmation that are given (R15); both by default."""

    cvv: bool = True
    billing: bool = True


class CommandStep(Object, frozen=True):
    """The fields that any command step may have besides the command's own."""

    id: Name | UnsetType = UNSET
    by: Name | UnsetType = UNSET
    confirm: Confirm = Confirm()
    payment: Literal["declined", "action_required"] | UnsetType = UNSET
    refund: Literal["failed"] | UnsetType = UNSET
    works: bool | UnsetType = UNSET
    final: bool | UnsetType = UNSET
    expected_total: Amount | UnsetType = UNSET
    charged: Price | UnsetType = UNSET
    outcome: Literal["accepted", "reinstated", "unchanged", "action_required"] | UnsetType = UNSET
    rejected: Code | Literal["product_changed"] | UnsetType = UNSET
    answer: ExpectedAnswer | UnsetType = UNSET


class PaymentMethodStep(Object, frozen=True):
    """From this step on, whether the saved payment method works; `final`: its declines are for good (R54);
    `pending`: renewals are answered late (R98)."""

    works: bool
    final: bool = False
    pending: bool = False


class PaymentAnswerStep(Object, frozen=True):
    """How the waiting payment ends (R96); `invoice`: that of a late one (R98)."""

    answer: Literal["paid", "declined"]
    invoice: Annotated[int, Meta(ge=1)] | None = None


OtherStep = PaymentMethodStep | PaymentAnswerStep | Expectation


class Step(msgspec.Struct, frozen=True):
    """A step at its instant: a command with its expected outcome, a change of the payment method, or an
    expectation."""

    place: str
    at: Instant
    do: Command | OtherStep
    given: CommandStep


class ScenarioAccount(Object, frozen=True):
    """The account that the story is about: its currency, zone and id."""

    currency: str
    time_zone: str
    id: Name | UnsetType = UNSET


class _File(Object, frozen=True):
    name: Name
    account: ScenarioAccount
    steps: tuple[dict[str, Any], ...]
    until: Moment
    rules: tuple[Rule, ...] | UnsetType = UNSET
    about: str = ""
    catalog: str | dict[str, Any] | UnsetType = UNSET
    policies: NamedPolicies | UnsetType = UNSET
    discounts: tuple[CodeFile, ...] = ()
    tax: TaxFile | None = None
    expect: Expectation | UnsetType = UNSET


class Scenario(msgspec.Struct, frozen=True):
    """One account's story, with its moments resolved in the account's zone."""

    name: str
    rules: tuple[str, ...]
    catalog: Catalog
    currency: str
    time_zone: str
    steps: tuple[Step, ...]
    until: Instant
    expect: Expectation
    codes: dict[str, DiscountCode] = {}
    taxes: TaxTable | None = None


_STEP_FIELDS = frozenset(CommandStep.__struct_fields__)
_BESIDE = dict.fromkeys(["reprice", "catalog"], frozenset(["rejected"]))
"""What a step may have besides the command's own fields, where that is not `_STEP_FIELDS`."""
_OTHER_STEPS: dict[str, type[OtherStep]] = {
    "payment_method": PaymentMethodStep,
    "payment_answer": PaymentAnswerStep,
    "expect": Expectation,
}
_NOTHING_GIVEN = CommandStep()
_COMMANDS: dict[str, type[Command]] = {str(t.__struct_config__.tag): t for t in get_args(Command)}


def read_scenario(path: Path, catalogs: dict[Path, Catalog]) -> Scenario:
    """The scenario in the file. Catalogues read from files are kept in `catalogs`.

    Raises InvalidInput with the place in the file.
    """
    return parse_scenario(_read(path, "$"), path.parent, catalogs)


def parse_scenario(data: bytes, folder: Path, catalogs: dict[Path, Catalog]) -> Scenario:
    """The scenario in a file's bytes; `folder` is where a catalogue's path starts."""
    file = _decoded(data)
    currency = check_currency(file.account.currency, "$.account.currency")
    zone = check_time_zone(file.account.time_zone, "$.account.time_zone")
    rules = () if file.rules is UNSET else file.rules
    if len(set(rules)) < len(rules):
        raise InvalidInput("invalid_scenario", "$.rules", "a rule stands twice")
    catalog = _with_policies(_catalog(file.catalog, folder, catalogs), file.policies)
    steps = tuple(_step(raw, f"$.steps[{i}]", zone) for i, raw in enumerate(file.steps))
    until = _moment(file.until, zone, "$.until")
    for earlier, later in pairwise(steps):
        if later.at < earlier.at:
            raise InvalidInput(
                "invalid_scenario", f"{later.place}.at", "this step is before the one above it"
            )
    if steps and steps[-1].at > until:
        raise InvalidInput("invalid_scenario", f"{steps[-1].place}.at", "no step is after `until`")
    expect = Expectation() if file.expect is UNSET else file.expect
    check_moments(expect, "$.expect", zone)
    codes, taxes = _terms(file)
    return Scenario(file.name, rules, catalog, currency, zone, steps, until, expect, codes, taxes)


def _terms(file: _File) -> tuple[dict[str, DiscountCode], TaxTable | None]:
    """The story's discount codes and tax table."""
    try:
        taxes = None if file.tax is None else table_of(file.tax, "$.tax")
        return codes_of(file.discounts, "$.discounts"), taxes
    except InvalidInput as error:
        code = "invalid_scenario" if error.code in (INVALID_TAX, INVALID_DISCOUNTS) else error.code
        raise InvalidInput(code, error.place, error.message) from None


def _decoded(data: bytes) -> _File:
    try:
        file = msgspec.json.decode(data, type=_File)
        twice = repeated_name(data)
        texts = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _invalid(error, "$") from None
    if twice is not None:
        place, name = twice
        raise InvalidInput("invalid_scenario", place, f"the field {name[:40]!r} stands twice")
    check_document(texts)
    for name in ("discounts", "tax"):
        if (null := null_in(texts.get(name), f"$.{name}")) is not None:
            raise InvalidInput("invalid_scenario", null, "null is no value: leave the field out")
    return file


def _step(raw: dict[str, Any], place: str, zone: str) -> Step:
    fields = dict(raw)
    moment, do = fields.pop("at", None), fields.get("do")
    if not isinstance(moment, str):
        raise InvalidInput("invalid_scenario", f"{place}.at", "a step has `at`, a moment written as a string")
    if not isinstance(do, str):
        raise InvalidInput("invalid_scenario", f"{place}.do", "a step has `do`, the name of a command")
    at = _moment(moment, zone, f"{place}.at")
    if other := _OTHER_STEPS.get(do):
        del fields["do"]
        body = _converted(fields, other, place)
        if isinstance(body, Expectation):
            check_moments(body, place, zone)
        return Step(place, at, body, _NOTHING_GIVEN)
    if do == "open_account":
        raise InvalidInput("invalid_scenario", f"{place}.do", "a scenario's account is opened by itself")
    if do not in _COMMANDS:
        raise InvalidInput("invalid_scenario", f"{place}.do", f"there is no command {do[:40]!r}")
    beside = _BESIDE.get(do, _STEP_FIELDS)
    given = {key: fields.pop(key) for key in tuple(fields) if key in beside}
    command = _converted(fields, _COMMANDS[do], place)
    for name, value in fields.items():
        if value is None:
            raise InvalidInput("invalid_scenario", f"{place}.{name}", "null is no value: leave the field out")
    step = Step(place, at, command, _converted(given, CommandStep, place) if given else _NOTHING_GIVEN)
    _check_given(step, zone)
    return step


def _check_given(step: Step, zone: str) -> None:
    given = step.given
    if given.refund is not UNSET and not isinstance(step.do, CreditNote | Reissue):
        raise InvalidInput("invalid_scenario", f"{step.place}.refund", "this step refunds nothing")
    for name in ("works", "final"):
        if getattr(given, name) is not UNSET and not isinstance(step.do, SetPaymentMethod):
            raise InvalidInput("invalid_scenario", f"{step.place}.{name}", "this step saves no method")
    expected = (given.charged, given.outcome, given.answer)
    if given.rejected is not UNSET and any(one is not UNSET for one in expected):
        message = "a rejected step has no `charged`, no `outcome` and no `answer`"
        raise InvalidInput("invalid_scenario", f"{step.place}.rejected", message)
    if given.expected_total is not UNSET and len(given.expected_total) > MAX_DIGITS + len("-."):
        message = f"an amount has at most {MAX_DIGITS} digits"
        raise InvalidInput("invalid_amount", f"{step.place}.expected_total", message)
    if given.answer is not UNSET:
        _check_answer(given.answer, f"{step.place}.answer", zone)


def _check_answer(answer: ExpectedAnswer, place: str, zone: str) -> None:
    """Raise InvalidInput if a text in it is no date or moment."""
    if isinstance(answer.access_until, str):
        _moment(answer.access_until, zone, f"{place}.access_until")
    _check_date(answer.renews_on, f"{place}.renews_on")
    for i, ending in enumerate(answer.ending or ()):
        _check_date(ending.on, f"{place}.ending[{i}].on")
    for i, charge in enumerate(answer.still_billed or ()):
        _check_date(charge.on, f"{place}.still_billed[{i}].on")


def _catalog(given: str | dict[str, Any] | UnsetType, folder: Path, catalogs: dict[Path, Catalog]) -> Catalog:
    if isinstance(given, dict):
        try:
            return convert_catalog(given)
        except InvalidInput as error:
            raise error.under("$.catalog") from None
    path = folder / ("catalog.json" if given is UNSET else given)
    if path not in catalogs:
        try:
            data = _read(path, "$.catalog")
            catalogs[path] = parse_catalog(data)
            check_catalog_texts(data)
        except InvalidInput as error:
            if error.place.startswith("$.catalog"):
                raise
            raise InvalidInput(error.code, "$.catalog", f"{path}: {error}") from None
    return catalogs[path]


def _with_policies(catalog: Catalog, policies: NamedPolicies | UnsetType) -> Catalog:
    """The story's policies laid over those of its catalogue, in every version of it."""
    try:
        return catalog if policies is UNSET else laid_over(catalog, policies)
    except InvalidInput as error:
        raise InvalidInput("invalid_scenario", error.place, error.message) from None


def _read(path: Path, place: str) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidInput("unreadable", place, f"{path} cannot be read: {reason}") from None


def check_moments(expect: Expectation, place: str, zone: str) -> None:
    """Raise InvalidInput if a text in the expectation is no date or moment."""
    for i, entitlement in enumerate(expect.entitlements or ()):
        if isinstance(entitlement.access_until, str):
            _moment(entitlement.access_until, zone, f"{place}.entitlements[{i}].access_until")
    for i, product in enumerate(expect.access_windows or ()):
        for k, window in enumerate(product.windows):
            at = f"{place}.access_windows[{i}].windows[{k}]"
            _moment(window.from_, zone, f"{at}.from")
            if window.until is not None:
                _moment(window.until, zone, f"{at}.until")
    for i, invoice in enumerate(expect.invoices or ()):
        _check_date(invoice.date, f"{place}.invoices[{i}].date")
        for k, line in enumerate(invoice.lines or ()):
            _check_date(line.from_, f"{place}.invoices[{i}].lines[{k}].from")
            _check_date(line.to, f"{place}.invoices[{i}].lines[{k}].to")
    for i, note in enumerate(expect.credit_notes or ()):
        _check_date(note.date, f"{place}.credit_notes[{i}].date")
    for i, happening in enumerate(expect.happened or ()):
        _check_date(happening.date, f"{place}.happened[{i}].date")
    if expect.account is not UNSET:
        _check_date(expect.account.anchor, f"{place}.account.anchor")
        _check_date(expect.account.next_renewal, f"{place}.account.next_renewal")


def _moment(text: str, zone: str, place: str) -> Instant:
    """The instant that a scenario gives, to the second."""
    if "." in text:
        raise InvalidInput(
            "invalid_moment", place, f"{text[:40]!r} is not a moment: it has parts of a second"
        )
    return parse_moment(text, zone, place)


def _check_date(text: str | UnsetType | None, place: str) -> None:
    if isinstance(text, str):
        parse_date(text, place)


def _converted(value: Any, kind: Any, place: str) -> Any:
    try:
        return msgspec.convert(value, type=kind)
    except msgspec.ValidationError as error:
        raise _invalid(error, place) from None


def _invalid(error: Exception, prefix: str) -> InvalidInput:
    message, place = decoder_said(error)
    return InvalidInput("invalid_scenario", prefix + place.removeprefix("$"), message)
