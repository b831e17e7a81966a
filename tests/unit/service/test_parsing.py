"""What is a line of commands, and how one that is none is named (docs/scenarios.md, "Command lines")."""

import json
from decimal import Decimal
from typing import Any

import pytest

from domain import commands as c
from domain.errors import InvalidInput
from domain.events import Clock
from service.asked import PaymentMethod
from service.commands import Invalid, ParsedCommand, account_id_of, check_tenant, parse_line
from service.gateways.played import ACTION_REQUIRED, CONFIRMED, DECLINED, DECLINED_FOR_GOOD
from service.gateways.port import SAVED_METHOD, Confirmation

CLOSE = {"do": "close_account", "account": "a1"}
OPEN = {"do": "open_account", "account": "a1", "currency": "EUR", "time_zone": "Europe/Paris"}


def _line(fields: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({**fields, **more}).encode()


def _parsed(line: bytes, clock: Clock = "wall") -> ParsedCommand:
    parsed = parse_line(line, "main", clock)
    assert isinstance(parsed, ParsedCommand), parsed
    return parsed


def _invalid(line: bytes, clock: Clock = "wall") -> tuple[str, str]:
    parsed = parse_line(line, "main", clock)
    assert isinstance(parsed, Invalid), parsed
    assert parsed.message
    return parsed.code, parsed.place


def test_a_line_names_its_command_and_who_gives_it() -> None:
    fields = {"do": "pause_plan", "family": "marketing", "resume_on": "2026-05-01", "account": "a/1"}
    parsed = _parsed(_line(fields, id="c1", by="admin", actor="u-7", expected_total="4.84", preview=True))

    assert parsed.account_id == "main/a/1"
    assert isinstance(parsed.asked, c.PausePlan)
    assert (parsed.id, parsed.role, parsed.actor, parsed.preview) == ("c1", "admin", "u-7", True)
    assert parsed.expected_total == Decimal("4.84")


@pytest.mark.parametrize(
    ("line", "code", "place"),
    [
        (b"", "malformed_json", "$"),
        (b"nonsense", "malformed_json", "$"),
        (b'{"do": "close_account"', "malformed_json", "$"),
        (b"[1]", "malformed_json", "$"),
        (b'{"account": "\xff"}', "malformed_json", "$"),
        (b'{"account": "\\ud800"}', "malformed_json", "$"),
        (b"[" * 200_000, "malformed_json", "$"),
        (b'{"blocks": ' + b"9" * 6_000 + b"}", "malformed_json", "$"),
        (_line({"account": "a1"}), "missing_field", "$.do"),
        (_line({"do": "close_account"}), "missing_field", "$.account"),
        (_line(CLOSE, do="close_acount"), "unknown_command", "$.do"),
        (_line(CLOSE, do=3), "unknown_command", "$.do"),
        (_line(CLOSE, product="x"), "unknown_field", "$.product"),
        (_line(CLOSE, do="undo"), "missing_field", "$.product"),
        (_line(CLOSE, do="undo", product=3), "invalid_field", "$.product"),
        (_line(CLOSE, do="undo", product=""), "invalid_field", "$.product"),
        (_line(CLOSE, account=""), "invalid_field", "$.account"),
        (_line(CLOSE, account=7), "invalid_field", "$.account"),
        (_line(CLOSE, account="x" * 196), "id_too_long", "$.account"),
        (_line(CLOSE, account="é" * 98), "id_too_long", "$.account"),
        (_line(CLOSE, id="x" * 201), "id_too_long", "$.id"),
        (_line(CLOSE, actor="é" * 101), "id_too_long", "$.actor"),
        (_line(CLOSE, id="a\0b"), "invalid_text", "$.id"),
        (_line(CLOSE, id=None), "invalid_field", "$.id"),
        (_line(CLOSE, expected_total=4.84), "invalid_field", "$.expected_total"),
        (_line(CLOSE, expected_total="4,84"), "invalid_field", "$.expected_total"),
        (_line(CLOSE, expected_total="NaN"), "invalid_field", "$.expected_total"),
        (_line(CLOSE, expected_total="1\n"), "invalid_field", "$.expected_total"),
        (_line(CLOSE, expected_total="9" * 40), "invalid_field", "$.expected_total"),
        (_line(CLOSE, confirm={"cvc": "tok"}), "unknown_field", "$.confirm.cvc"),
        (_line(CLOSE, confirm={"billing": "yes"}), "invalid_field", "$.confirm.billing"),
        (_line(CLOSE, confirm={"cvv": ""}), "invalid_field", "$.confirm.cvv"),
        (_line(CLOSE, confirm=None), "invalid_field", "$.confirm"),
        (_line(CLOSE, preview="yes"), "invalid_field", "$.preview"),
        (_line(CLOSE, do="start_transactional", blocks=0), "invalid_field", "$.blocks"),
        (_line(CLOSE, do="start_transactional", blocks=True), "invalid_field", "$.blocks"),
        (_line(OPEN, currency="XXX"), "unknown_currency", "$.currency"),
        (_line(OPEN, time_zone="Paris"), "unknown_time_zone", "$.time_zone"),
        (_line(OPEN, clock="test"), "unknown_field", "$.clock"),
        (_line(CLOSE, account="a\n1"), "invalid_text", "$.account"),
        (_line(CLOSE, account="\u202ea1"), "invalid_text", "$.account"),
        (_line(CLOSE, id="c\t1"), "invalid_text", "$.id"),
        (_line(CLOSE, actor="u\r\n2026-04-05 account_closed"), "invalid_text", "$.actor"),
        (_line(CLOSE, by="owner\x1b[2J"), "invalid_text", "$.by"),
        (_line(CLOSE, confirm={"cvv": "tok\0"}), "invalid_text", "$.confirm.cvv"),
        (_line(CLOSE, do="purchase_plan", product="a\u2028b"), "invalid_text", "$.product"),
        (b'{"do": "close_account", "account": "a1", "account": "a2"}', "repeated_field", "$"),
        (b'{"do": "pay_balance", "account": "a1", "confirm": {"billing": true, "billing": false}}',
         "repeated_field", "$.confirm"),
        (b"\xef\xbb\xbf" + _line(CLOSE), "malformed_json", "$"),
        (b'{"account": NaN}', "malformed_json", "$"),
        (b'{"blocks": 1e999999}', "malformed_json", "$"),
        (b'{"a": ' * 5_000 + b"1" + b"}" * 5_000, "malformed_json", "$"),
        (_line(CLOSE, actor="x" * 1_048_576), "line_too_long", "$"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_command_says_where_and_why(line: bytes, code: str, place: str) -> None:
    assert _invalid(line) == (code, place)


@pytest.mark.parametrize(
    ("line", "place"),
    [
        (_line(CLOSE, at="2026-03-20"), "$.at"),
        (_line(CLOSE, payment="declined"), "$.payment"),
        (_line(CLOSE, do="payment_method", works=True), "$.do"),
        (_line(CLOSE, do="reprice", product="surveys", price="1.00"), "$.do"),
        (_line(OPEN, catalog={}), "$.catalog"),
    ],
)
def test_what_only_a_test_clock_has_is_none_of_the_wall_clock(line: bytes, place: str) -> None:
    assert _invalid(line) == ("test_clock_only", place)


@pytest.mark.parametrize(
    ("line", "code", "place"),
    [
        (_line(CLOSE), "missing_field", "$.at"),
        (_line(CLOSE, at=5), "invalid_field", "$.at"),
        (_line(CLOSE, at="2026-03-20", confirm={"cvv": "tok"}), "invalid_field", "$.confirm.cvv"),
        (_line(CLOSE, at="2026-03-20", payment="paid"), "invalid_field", "$.payment"),
        (_line(CLOSE, at="2026-03-20", do="payment_method"), "missing_field", "$.works"),
        (_line(CLOSE, at="2026-03-20", do="payment_method", works=1), "invalid_field", "$.works"),
        (_line(CLOSE, at="2026-03-20", do="payment_method", works=True, by="owner"), "unknown_field", "$.by"),
        (_line(CLOSE, at="2026-03-20", do="reprice", product="x", price="1.0", payment="declined"),
         "unknown_field", "$.payment"),
        (_line(CLOSE, at="2026-03-20", do="reprice", product="x", price=1), "invalid_field", "$.price"),
    ],
)  # fmt: skip
def test_a_line_on_a_test_clock_that_is_no_command_says_where_and_why(
    line: bytes, code: str, place: str
) -> None:
    assert _invalid(line, "test") == (code, place)


def test_on_the_wall_clock_the_confirmation_is_the_providers_token() -> None:
    assert _parsed(_line(CLOSE)).means == SAVED_METHOD
    assert _invalid(_line(CLOSE, confirm={"cvv": True})) == ("invalid_field", "$.confirm.cvv")
    given = _parsed(_line(CLOSE, confirm={"cvv": "tok_1", "billing": True}))
    assert (given.cvv, given.billing, given.means) == (True, True, Confirmation("tok_1"))
    assert _parsed(_line(CLOSE, do="pay_balance", confirm={"cvv": "tok_1"})).means == SAVED_METHOD


def test_on_a_test_clock_everything_is_confirmed_unless_left_out() -> None:
    def confirmation(**more: Any) -> tuple[bool, bool]:
        parsed = _parsed(_line(CLOSE, at="2026-03-20", **more), "test")
        return parsed.cvv, parsed.billing

    assert confirmation() == (True, True)
    assert confirmation(confirm={"cvv": False}) == (False, True)
    assert confirmation(confirm={"billing": False}) == (True, False)
    assert _parsed(_line(CLOSE, at="2026-03-20"), "test").means == CONFIRMED
    assert _parsed(_line(CLOSE, at="2026-03-20", payment="declined"), "test").means == DECLINED


def test_a_line_that_is_no_command_is_named_as_far_as_it_can_be_read() -> None:
    parsed = parse_line(_line(CLOSE, id="c1", oops=1), "main", "wall")
    assert isinstance(parsed, Invalid)
    assert (parsed.account, parsed.id) == ("a1", "c1")
    unreadable = parse_line(_line(CLOSE, account="\0", id=4), "main", "wall")
    assert isinstance(unreadable, Invalid)
    assert (unreadable.account, unreadable.id) == (None, None)


def test_no_message_and_no_repr_holds_the_confirmation() -> None:
    for confirm in ({"cvv": "tok_secret\0"}, {"cvv": "tok_secret" * 200}, {"cvv": ["tok_secret"]}):
        parsed = parse_line(_line(CLOSE, confirm=confirm), "main", "wall")
        assert isinstance(parsed, Invalid)
        assert "tok_secret" not in repr(parsed)
    assert "tok_secret" not in repr(_parsed(_line(CLOSE, confirm={"cvv": "tok_secret"})))


@pytest.mark.parametrize("tenant", ["", "a/b", "a\0", "x" * 101])
def test_a_tenant_can_stand_before_an_accounts_id(tenant: str) -> None:
    assert check_tenant("main") == "main"
    with pytest.raises(InvalidInput):
        check_tenant(tenant)


def test_what_is_refused_is_not_echoed_whole() -> None:
    for line in (
        _line(CLOSE, **{"x" * 100_000: 1}),
        _line(CLOSE, do="y" * 100_000),
        _line({"account": "z" * 100_000, "id": "i" * 100_000}),
        _line(CLOSE, payment="p" * 100_000),
        _line(OPEN, currency="c" * 100_000),
        _line(OPEN, time_zone="t" * 100_000),
        b'{"' + b"k" * 100_000 + b'": 1, "' + b"k" * 100_000 + b'": 2}',
    ):
        assert len(repr(parse_line(line, "main", "test"))) < 1_000


def test_only_an_id_that_can_be_shown_names_the_line_that_is_refused() -> None:
    shown = parse_line(_line({"account": "a1", "id": "c1"}), "main", "wall")
    forging = parse_line(_line({"account": "a\n1", "id": "c\u202e1"}), "main", "wall")
    assert isinstance(shown, Invalid)
    assert isinstance(forging, Invalid)
    assert (shown.account, shown.id) == ("a1", "c1")
    assert (forging.account, forging.id) == (None, None)


@pytest.mark.parametrize("tenant", ["", "a/b", "a\nb", "\u202eb", "x" * 101, "\ud800"])
def test_an_account_is_named_with_a_tenant_that_can_be_one(tenant: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        account_id_of(tenant, "a1")
    assert (refused.value.code, refused.value.place) == ("invalid_tenant", "--tenant")
    with pytest.raises(InvalidInput) as forging:
        account_id_of("main", f"a1{tenant}\n")
    assert (forging.value.code, forging.value.place) == ("invalid_text", "$.account")


# ---- the second part --------------------------------------------------------

NOTE = {"do": "credit_note", "account": "a1", "invoice": 1, "reason": "other"}
METHOD = {"do": "set_payment_method", "account": "a1"}
AT = {"at": "2026-03-20"}


@pytest.mark.parametrize(
    ("fields", "role"),
    [
        (NOTE, "finance"),
        ({"do": "grant_discount", "account": "a1", "percent": "10"}, "finance"),
        ({"do": "pay_out", "account": "a1"}, "finance"),
        ({**NOTE, "by": "support"}, "support"),
        (METHOD, "owner"),
        ({"do": "set_tax_profile", "account": "a1", "country": "FR", "kind": "consumer"}, "owner"),
        ({"do": "dispute_opened", "account": "a1", "invoice": 1}, "owner"),
        ({"do": "abandon_payment", "account": "a1"}, "owner"),
    ],
)
def test_who_gives_a_line_that_does_not_say_it_is_finance_where_only_staff_may(
    fields: dict[str, Any], role: str
) -> None:
    assert _parsed(_line(fields, **AT), "test").role == role


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({**CLOSE, "payment": "action_required"}, "$.payment"),
        ({**NOTE, "refund": "failed"}, "$.refund"),
        ({**METHOD, "works": False}, "$.works"),
        ({**METHOD, "final": True}, "$.final"),
        ({"do": "payment_answer", "account": "a1", "answer": "paid"}, "$.do"),
        ({**OPEN, "tax": {}}, "$.tax"),
        ({**OPEN, "discounts": []}, "$.discounts"),
    ],
)
def test_how_the_provider_answers_is_said_on_a_test_clock_alone(fields: dict[str, Any], place: str) -> None:
    assert _invalid(_line(fields)) == ("test_clock_only", place)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({**CLOSE, "refund": "failed"}, "$.refund"),
        ({**CLOSE, "works": True}, "$.works"),
        ({**NOTE, "final": True}, "$.final"),
        ({**CLOSE, "method": "tok_1"}, "$.method"),
        ({**METHOD, "method": "tok_1"}, "$.method"),
        ({"do": "payment_answer", "account": "a1", "answer": "paid", "payment": "declined"}, "$.payment"),
    ],
)
def test_a_line_has_no_field_of_another_command(fields: dict[str, Any], place: str) -> None:
    assert _invalid(_line(fields, **AT), "test") == ("unknown_field", place)


def test_a_payment_method_is_a_token_on_the_wall_clock_and_works_or_not_on_a_test_clock() -> None:
    assert _invalid(_line(METHOD)) == ("missing_field", "$.method")
    assert _parsed(_line(METHOD, preview=True)).method is None
    assert _parsed(_line(METHOD, method="tok_9")).method == Confirmation("tok_9")
    for given, token in (({}, CONFIRMED), ({"works": False}, DECLINED)):
        assert _parsed(_line(METHOD, **given, **AT), "test").method == token
    assert _parsed(_line(METHOD, works=False, final=True, **AT), "test").method == DECLINED_FOR_GOOD


def test_how_payment_and_refund_end_is_what_pays_and_what_refunds() -> None:
    buy = {"do": "purchase_addon", "account": "a1", "product": "surveys"}

    assert _parsed(_line(buy, payment="action_required", **AT), "test").means == ACTION_REQUIRED
    assert _parsed(_line(NOTE, refund="failed", **AT), "test").refund_fails is True
    assert _parsed(_line(NOTE, **AT), "test").refund_fails is False
    assert _parsed(_line(buy, **AT), "test").refund_fails is None


def test_a_payment_method_of_a_test_clock_may_decline_for_good_and_answer_late() -> None:
    fields = {"do": "payment_method", "account": "a1", "works": False, "final": True, "pending": True}
    assert _parsed(_line(fields, **AT), "test").asked == PaymentMethod(False, True, True)


def test_a_discount_code_stands_on_the_lines_that_buy() -> None:
    buy = {"do": "purchase_plan", "account": "a1", "product": "standard", "discount": "FIVE"}
    asked = _parsed(_line(buy)).asked
    assert isinstance(asked, c.PurchasePlan)
    assert asked.discount == "FIVE"
    assert _invalid(_line(CLOSE, discount="FIVE"))[0] == "unknown_field"
