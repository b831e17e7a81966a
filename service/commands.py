"""The command-line protocol, pure (docs/scenarios.md, "Command lines"): a line of JSON parsed into a
command, an answer made into a line.

    parse_line(b'{"do": "purchase_plan", "account": "a1", "product": "standard"}', "main", "wall")

A line that is no command becomes `Invalid`: a code, a sentence, and the place as a JSON path. No message
holds a value that was given as a confirmation.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Final, Literal, TypeVar, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from domain import commands as c
from domain.answers import Answer, Outcome
from domain.calendar import CivilDate, check_time_zone
from domain.decide import STAFF_COMMANDS
from domain.errors import InvalidInput, decoder_said
from domain.events import Clock, Line
from domain.facts import Facts
from domain.money import check_currency
from domain.repeated_names import repeated_name
from domain.texts import check_document, check_plain, is_plain
from service.asked import Asked, OpenLine, PaymentAnswered, PaymentMethod
from service.gateways.played import ACTION_REQUIRED, CONFIRMED, DECLINED, DECLINED_FOR_GOOD
from service.gateways.port import SAVED_METHOD, Confirmation, Means

MAX_BYTES: Final = 200
"""Of an id, in UTF-8: a command's, an actor's, and an account's with its tenant."""

MAX_LINE: Final = 1_048_576
"""Bytes of a line: a catalogue of some thousand products fits in it."""

_MAX_SHOWN: Final = 200
"""Characters of a message, a place or an id in an answer to what is no command."""

Amount = Annotated[str, Meta(pattern=r"\A-?[0-9]{1,15}(\.[0-9]{1,15})?\Z")]
Text = Annotated[str, Meta(min_length=1)]
Token = Annotated[str, Meta(min_length=1, max_length=1000)]
Parsed = TypeVar("Parsed")


class ParsedCommand(msgspec.Struct, frozen=True):
    """A line that is a command. `at`: as written, a moment in the account's zone (None: the wall clock).
    `method`: the provider's token of the payment method that it saves; `refund_fails`: how its refund is
    answered (test clock; None: it makes none)."""

    account: str
    account_id: str
    id: str | None
    asked: Asked
    at: str | None
    role: str
    actor: str | None
    cvv: bool
    billing: bool
    means: Means
    expected_total: Decimal | None
    preview: bool
    method: Confirmation | None = None
    refund_fails: bool | None = None


class Invalid(msgspec.Struct, frozen=True):
    """A line that is no command. `account` and `id` as far as they could be read."""

    code: str
    message: str
    place: str
    account: str | None = None
    id: str | None = None


_NOTHING_CHARGED: Final = PaymentMethod | PaymentAnswered | c.OverridePrice | c.ChangeCatalog
"""Of a test clock alone."""

# ---- what answers it -----------------------------------------------------


class AnswerLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to a line; `place` only where it is `invalid`. `message`: why it is, or why the command
    `failed`; else the answer's sentence, which whoever shows the answer adds (`prorata.wording`)."""

    account: str | None
    id: str | None
    outcome: Outcome | Literal["invalid", "failed"]
    code: str | None
    message: str | UnsetType
    facts: Facts
    charged: str | None
    lines: tuple[Line, ...]
    renews_on: CivilDate | None
    version: int | None
    events: tuple[str, ...]
    place: str | UnsetType = UNSET
    reference: str | UnsetType = UNSET
    """What the customer's browser needs to consent to the payment (R96); in no other answer, and kept
    nowhere."""

    @property
    def is_command(self) -> bool:
        """Whether the line was a command; a refusal is an answer to one."""
        return self.outcome != "invalid"


def answered(
    parsed: ParsedCommand, answer: Answer, version: int | None, reference: str | None = None
) -> AnswerLine:
    """The line that says what came of the command. Nothing is charged for another price, catalogue or payment
    method, not even 0.00."""
    line = answer_line(parsed.account, parsed.id, answer, version, reference)
    return replace(line, charged=None) if isinstance(parsed.asked, _NOTHING_CHARGED) else line


def answer_line(
    account: str, id_: str | None, answer: Answer, version: int | None, reference: str | None = None
) -> AnswerLine:
    """The line that says what came of a command of that id, given to that account."""
    return AnswerLine(
        account,
        id_,
        answer.outcome,
        answer.code,
        UNSET,
        answer.facts,
        None if answer.charged is None else format(answer.charged, "f"),
        answer.lines,
        answer.renews_on,
        version,
        answer.events,
        reference=UNSET if reference is None else reference,
    )


def answered_invalid(invalid: Invalid) -> AnswerLine:
    """The line that says why a line is no command."""
    return AnswerLine(
        invalid.account,
        invalid.id,
        "invalid",
        invalid.code,
        invalid.message,
        {},
        None,
        (),
        None,
        None,
        (),
        invalid.place,
    )


def answered_failed(account: str | None, id_: str | None, code: str, message: str) -> AnswerLine:
    """The line that says that a command failed, and that the next ones go on."""
    return AnswerLine(account, id_, "failed", code, message, {}, None, (), None, None, ())


# ---- parsing -------------------------------------------------------------


def converted(value: Any, kind: type[Parsed], named: int = _MAX_SHOWN) -> Parsed:
    """The decoded JSON as that type; of a field's name the place has so many characters.

    Raises InvalidInput `unknown_field`, `missing_field`, `invalid_field`, with the decoder's message and its
    place.
    """
    try:
        return msgspec.convert(value, type=kind)
    except msgspec.ValidationError as error:
        message, place = decoder_said(error)
    code = "invalid_field"
    for start, found in (
        ("Object contains unknown field `", "unknown_field"),
        ("Object missing required field `", "missing_field"),
    ):
        if message.startswith(start):
            code, place = found, f"{place}.{message.removeprefix(start).rstrip('`')[:named]}"
    raise InvalidInput(code, place, message)


class _Confirm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cvv: bool | Token | UnsetType = UNSET
    billing: bool | UnsetType = UNSET


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What any line may have beside the command's own fields."""

    account: Text
    id: Text | UnsetType = UNSET
    by: Text | UnsetType = UNSET
    actor: Text | UnsetType = UNSET
    at: str | UnsetType = UNSET
    confirm: _Confirm = _Confirm()
    payment: Literal["declined", "action_required"] | UnsetType = UNSET
    refund: Literal["failed"] | UnsetType = UNSET
    works: bool | UnsetType = UNSET
    final: bool | UnsetType = UNSET
    method: Token | UnsetType = UNSET
    expected_total: Amount | UnsetType = UNSET
    preview: bool = False


# Made here, since msgspec crashes where threads need a type for the first time at once.
_made: Final = msgspec.json.Decoder(_Envelope), msgspec.json.Decoder(Asked)
_KINDS: Final[dict[str, type]] = {str(kind.__struct_config__.tag): kind for kind in get_args(Asked)}
"""By `do`: looked up here, since msgspec prepares a union of so many types anew for each line."""

_ENVELOPE_FIELDS: Final = frozenset(_Envelope.__struct_fields__)
_OWN_FIELDS: Final[dict[type, frozenset[str]]] = {PaymentMethod: frozenset({"works", "final"})}
"""Fields of the envelope's names that these have themselves."""
_OF_A_PAYMENT: Final = ("confirm", "payment", "expected_total")
_PLAYED: Final = (*_OF_A_PAYMENT, "by", "preview")
_NOT_OF: Final[dict[type, tuple[str, ...]]] = {
    c.OverridePrice: _OF_A_PAYMENT,
    c.ChangeCatalog: _OF_A_PAYMENT,
    PaymentMethod: _PLAYED,
    PaymentAnswered: _PLAYED,
    c.SetTaxProfile: ("details",),
}
"""What these do not have: of a test clock, and charging nothing; a version of the billing details is named by
whoever keeps them (`service.persons`)."""
_PLAYED_FIELDS: Final = ("payment", "refund", "works", "final")
"""How a payment or refund of the line is answered, and a payment method: on a test clock alone."""
_OWN_TERMS: Final = ("catalog", "policies", "discounts", "tax")
"""What an account on a test clock is opened with."""
_ONLY_OF: Final[dict[str, tuple[type, ...]]] = {
    "refund": (c.CreditNote, c.Reissue),
    "works": (c.SetPaymentMethod, PaymentMethod),
    "final": (c.SetPaymentMethod, PaymentMethod),
    "method": (c.SetPaymentMethod,),
}
"""What nothing else has."""


def parse_line(line: bytes, tenant: str, clock: Clock) -> ParsedCommand | Invalid:
    """The command in a line, for accounts of the tenant that live on the clock."""
    fields: Any = None
    try:
        fields = _decoded(line)
        return _parsed(fields, tenant, clock)
    except InvalidInput as error:
        account, id_ = _readable(fields, "account"), _readable(fields, "id")
        return Invalid(error.code, _shortened(error.message), _shortened(error.place), account, id_)


def account_id_of(tenant: str, account: str, place: str = "$.account") -> str:
    """The log's id of the account, `tenant/account`.

    Raises InvalidInput `invalid_tenant`, `invalid_text`, `id_too_long`.
    """
    check_tenant(tenant)
    check_plain(account, place)
    _check_length(f"{tenant}/{account}", place, f"the account's id with its tenant {tenant!r}")
    return f"{tenant}/{account}"


def check_tenant(tenant: str) -> str:
    """The tenant itself, if it can stand before an account's id.

    Raises InvalidInput `invalid_tenant`.
    """
    if not tenant or "/" in tenant or not is_plain(tenant) or len(tenant.encode()) > MAX_BYTES // 2:
        message = f"a tenant is a text of 1 to {MAX_BYTES // 2} bytes, without `/` and control characters"
        raise InvalidInput("invalid_tenant", "--tenant", message)
    return tenant


def _decoded(line: bytes) -> dict[str, Any]:
    if len(line) > MAX_LINE:
        raise InvalidInput("line_too_long", "$", f"a line has at most {MAX_LINE:,} bytes")
    try:
        fields = msgspec.json.decode(line)
        twice = repeated_name(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = str(error) if isinstance(error, msgspec.DecodeError) else type(error).__name__
        raise InvalidInput("malformed_json", "$", f"the line is not JSON: {reason}") from None
    if not isinstance(fields, dict):
        raise InvalidInput("malformed_json", "$", "a line is one JSON object")
    if twice is not None:
        place, name = twice
        raise InvalidInput("repeated_field", place, f"the field {name[:40]!r} stands twice")
    return fields


def _parsed(fields: dict[str, Any], tenant: str, clock: Clock) -> ParsedCommand:
    around = _ENVELOPE_FIELDS
    if fields.get("do") == "payment_method":
        around -= _OWN_FIELDS[PaymentMethod]
    envelope = converted({k: v for k, v in fields.items() if k in around}, _Envelope)
    asked = _asked({k: v for k, v in fields.items() if k not in around})
    check_document(fields)
    account_id = account_id_of(tenant, envelope.account)
    for name, text in (("id", envelope.id), ("actor", envelope.actor)):
        if text is not UNSET:
            _check_length(text, f"$.{name}", f"the {name}")
    if clock == "wall":
        _check_wall(envelope, asked)
    elif envelope.at is UNSET:
        raise InvalidInput("missing_field", "$.at", "on a test clock a line says when it happens")
    elif envelope.method is not UNSET:
        raise InvalidInput("unknown_field", "$.method", "on a test clock `works` stands for the method")
    _check_fields(fields, asked)
    cvv, billing, means = _confirmation(envelope, asked, clock)
    total = envelope.expected_total
    return ParsedCommand(
        account=envelope.account,
        account_id=account_id,
        id=None if envelope.id is UNSET else envelope.id,
        asked=asked,
        at=None if envelope.at is UNSET else envelope.at,
        role=_role(envelope, asked),
        actor=None if envelope.actor is UNSET else envelope.actor,
        cvv=cvv,
        billing=billing,
        means=means,
        expected_total=None if total is UNSET else Decimal(total),
        preview=envelope.preview,
        method=_method(envelope, asked, clock),
        refund_fails=envelope.refund is not UNSET if isinstance(asked, c.CreditNote | c.Reissue) else None,
    )


def _asked(fields: dict[str, Any]) -> Asked:
    """The command itself. Raises InvalidInput: `missing_field`, `unknown_command`, as `_converted`."""
    do = fields.get("do", UNSET)
    if do is UNSET:
        raise InvalidInput("missing_field", "$.do", "a line names its command in `do`")
    kind = _KINDS.get(do) if isinstance(do, str) else None
    if kind is None:
        raise InvalidInput("unknown_command", "$.do", "there is no command of this name")
    asked: Asked = converted(fields, kind)
    return asked


def _role(envelope: _Envelope, asked: Asked) -> str:
    """Who gives it, where the line does not say: the owner; finance what only staff may (R60)."""
    if envelope.by is not UNSET:
        return envelope.by
    return "finance" if isinstance(asked, STAFF_COMMANDS) else "owner"


def _method(envelope: _Envelope, asked: Asked, clock: Clock) -> Confirmation | None:
    """The payment method that is saved: on the wall clock the provider's token (R56), on a test clock one
    that works or does not."""
    if not isinstance(asked, c.SetPaymentMethod):
        return None
    if clock == "wall":
        if envelope.method is UNSET:
            if envelope.preview:
                return None
            raise InvalidInput("missing_field", "$.method", "`method` is the provider's token of the method")
        return Confirmation(envelope.method)
    if envelope.works is not False:
        return CONFIRMED
    return DECLINED_FOR_GOOD if envelope.final is True else DECLINED


def _check_wall(envelope: _Envelope, asked: Asked) -> None:
    """Raise InvalidInput `test_clock_only` for what only a test clock has."""
    found = None
    if envelope.at is not UNSET:
        found = "$.at"
    elif given := [name for name in _PLAYED_FIELDS if getattr(envelope, name) is not UNSET]:
        found = f"$.{given[0]}"
    elif isinstance(asked, _NOTHING_CHARGED):
        found = "$.do"
    elif isinstance(asked, OpenLine):
        given = [name for name in _OWN_TERMS if getattr(asked, name) is not UNSET]
        found = f"$.{given[0]}" if given else None
    if found is not None:
        raise InvalidInput("test_clock_only", found, "this is for accounts on a test clock (--test-clock)")


def _check_fields(fields: dict[str, Any], asked: Asked) -> None:
    if isinstance(asked, OpenLine):
        check_currency(asked.currency)
        check_time_zone(asked.time_zone)
    not_of = [name for name in _NOT_OF.get(type(asked), ()) if name in fields]
    not_of += [name for name, kinds in _ONLY_OF.items() if name in fields and type(asked) not in kinds]
    for name in not_of:
        raise InvalidInput("unknown_field", f"$.{name}", f"this has no `{name}`")


def _confirmation(envelope: _Envelope, asked: Asked, clock: Clock) -> tuple[bool, bool, Means]:
    """Whether CVV and billing details were confirmed, and what pays. On the wall clock nothing is taken for
    given (R15); on a test clock both are. `pay_balance` is paid by the saved method."""
    confirm = envelope.confirm
    if clock == "test":
        if isinstance(confirm.cvv, str):
            raise InvalidInput("invalid_field", "$.confirm.cvv", "on a test clock `cvv` is true or false")
        means: Means = CONFIRMED
        if envelope.payment is not UNSET:
            means = DECLINED if envelope.payment == "declined" else ACTION_REQUIRED
        return confirm.cvv is not False, confirm.billing is not False, means
    if isinstance(confirm.cvv, bool):
        raise InvalidInput("invalid_field", "$.confirm.cvv", "`cvv` is the provider's single-use token")
    if confirm.cvv is UNSET:
        return False, confirm.billing is True, SAVED_METHOD
    saved = isinstance(asked, c.PayBalance | c.SetPaymentMethod)
    means = SAVED_METHOD if saved else Confirmation(confirm.cvv)
    return True, confirm.billing is True, means


def _check_length(text: str, place: str, what: str) -> None:
    if len(text.encode()) > MAX_BYTES:
        raise InvalidInput("id_too_long", place, f"{what} has at most {MAX_BYTES} bytes")


def _readable(fields: Any, name: str) -> str | None:
    """The field's text, by which the answer can name the line; None where it cannot be read."""
    value = fields.get(name) if isinstance(fields, dict) else None
    return value if isinstance(value, str) and is_plain(value) and len(value) <= 2 * MAX_BYTES else None


def _shortened(text: str) -> str:
    """A line is never echoed whole."""
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def line_fields() -> tuple[dict[type, dict[str, Any]], dict[str, Any]]:
    """The JSON Schema of each field that a line of a command may have beside the command's own, by the
    command's type, without those by which a line names its account, its id and its preview; and the schemas
    that these refer to."""
    [_], schemas = msgspec.json.schema_components([_Envelope], ref_template="#/components/schemas/{name}")
    envelope = schemas.pop(_Envelope.__name__)["properties"]
    confirm = schemas.pop(_Confirm.__name__)
    envelope["confirm"] = {**confirm, "title": "Confirm"}
    found: dict[type, dict[str, Any]] = {}
    for kind in _KINDS.values():
        refused = {*_NOT_OF.get(kind, ()), "account", "id", "preview"}
        refused |= {name for name, kinds in _ONLY_OF.items() if kind not in kinds}
        found[kind] = {name: schema for name, schema in envelope.items() if name not in refused}
    return found, schemas
