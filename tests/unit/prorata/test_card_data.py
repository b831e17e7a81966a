"""Card data is refused wherever it stands; what only looks like it is taken."""

from __future__ import annotations

from typing import Any

import pytest

from prorata.http.card_data import card_data_in, card_data_in_pairs

REFUSED: dict[str, tuple[Any, str]] = {
    "a CVV of digits": ({"confirm": {"cvv": "123"}}, "$.confirm.cvv"),
    "a CVV that is a number": ({"confirm": {"cvv": 123}}, "$.confirm.cvv"),
    "a CVV with spaces and hyphens": ({"cvc": " 1-2 3 "}, "$.cvc"),
    "a card of digits, whatever their sum": ({"card": "1234"}, "$.card"),
    "a card's number in any field": ({"product": "4242424242424242"}, "$.product"),
    "one with spaces": ({"note": "pay 4242 4242 4242 4242 now"}, "$.note"),
    "one before its expiry": ({"x": "4242 4242 4242 4242 12 27"}, "$.x"),
    "one with hyphens, in a list": ({"a": ["x", {"b": "3782-822463-10005"}]}, "$.a[1].b"),
    "one that is a number": ({"x": 4242424242424242}, "$.x"),
    "one behind a word": ({"x": "pan:4111111111111111"}, "$.x"),
    "one that is a field's name": ({"4242424242424242": "x"}, "$"),
    "one of 19 digits": ({"x": "6304000000000000000"}, "$.x"),
    "a saved method of digits": ({"method": "4242"}, "$.method"),
    "a CVV in digits of another script": ({"confirm": {"cvv": "١٢٣"}}, "$.confirm.cvv"),
    "a CVV in wide digits": ({"confirm": {"cvv": "１２３"}}, "$.confirm.cvv"),
    "a CVV with a space that breaks no line": ({"cvc": "1\u00a02\u20113"}, "$.cvc"),
    "a CVV under a longer name": ({"card_verification_value": "123"}, "$.card_verification_value"),
    "a card's number in digits of another script": ({"x": "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢"}, "$.x"),
    "one in wide digits": ({"x": "４２４２ ４２４２ ４２４２ ４２４２"}, "$.x"),
    "one with hyphens of another width": ({"x": "4242\u20114242\u20134242\u22124242"}, "$.x"),
    "one with what has no width": ({"x": "4242\u200b4242\u200b4242\u200b4242"}, "$.x"),
    "one with two spaces": ({"x": "4242  4242  4242  4242"}, "$.x"),
    "one with full stops": ({"x": "4242.4242.4242.4242"}, "$.x"),
    "one with slashes": ({"x": "3782/822463/10005"}, "$.x"),
    "one with a line through it": ({"x": "4242_4242_4242_4242"}, "$.x"),
}
TAKEN: dict[str, Any] = {
    "the provider's token": {"confirm": {"cvv": "tok_1N2b3c4d5e6f", "billing": True}},
    "true, on a test clock": {"confirm": {"cvv": True}},
    "a number whose sum is another": {"x": "4242424242424241"},
    "an id, whatever it looks like": {"id": "4242424242424242", "account": "4242424242424242"},
    "a reference or ticket": {"reference": "4242424242424242", "ticket": "4111111111111111"},
    "a date and an instant": {"at": "2026-04-05T18:30:00+02:00", "from": "2026-04-05"},
    "a UUID": {"x": "550e8400-e29b-41d4-a716-446655440000"},
    "an amount": {"expected_total": "1234567890.00"},
    "a digest": {"x": "5f4dcc3b5aa765d61d8327deb882cf994242424242424242aa"},
    "an amount with thousands": {"x": "1,234,567.00"},
    "an amount of 13 digits": {"x": "12345678901.40"},
    "a version": {"x": "2026.11.30"},
    "an address": {"x": "192.168.100.200"},
    "too few digits": {"x": "424242424242"},
}


@pytest.mark.parametrize("name", REFUSED)
def test_card_data_is_found_with_its_place(name: str) -> None:
    document, place = REFUSED[name]
    assert card_data_in(document) == place


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_no_card_data_is_taken(name: str) -> None:
    assert card_data_in(TAKEN[name]) is None


def test_parameters_are_looked_at_too() -> None:
    assert card_data_in_pairs([("limit", "5"), ("status", "4242 4242 4242 4242")]) == "status"
    assert card_data_in_pairs([("limit", "5"), ("after", "a1")]) is None
