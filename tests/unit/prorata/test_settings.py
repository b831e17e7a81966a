"""What is set from outside is refused with its name where it cannot be meant."""

from __future__ import annotations

import pytest

from domain.errors import InvalidInput
from prorata.gateways import gateway_factory
from prorata.settings import Settings


@pytest.mark.parametrize("prefix", ["", "v2.", "staging-", "a_b"])
def test_a_prefix_may_hold_what_topics_names_may(prefix: str) -> None:
    assert Settings.of({"PRORATA_KAFKA_PREFIX": prefix}).kafka_prefix == prefix


@pytest.mark.parametrize("prefix", ["v 2.", "é.", "a/b.", "x" * 101])
def test_another_one_is_refused(prefix: str) -> None:
    with pytest.raises(InvalidInput, match="cannot begin a topic's name") as refused:
        Settings.of({"PRORATA_KAFKA_PREFIX": prefix})
    assert (refused.value.code, refused.value.place) == ("invalid_setting", "PRORATA_KAFKA_PREFIX")


@pytest.mark.parametrize("name", ["test", "stripe", "our.gateways:opened"])
def test_the_gateway_is_one_that_is_shipped_or_a_factory_of_a_module(name: str) -> None:
    assert Settings.of({"PRORATA_GATEWAY": name}).gateway == name


@pytest.mark.parametrize("name", ["tests", "our.gateways", "a:b:c", "a b:c"])
def test_another_gateway_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="is no gateway") as refused:
        Settings.of({"PRORATA_GATEWAY": name})
    assert (refused.value.code, refused.value.place) == ("invalid_setting", "PRORATA_GATEWAY")


@pytest.mark.parametrize("name", ["no.such.module:opened", "prorata.settings:no_such_name"])
def test_a_factory_that_is_not_there_is_refused_with_its_setting(name: str) -> None:
    with pytest.raises(InvalidInput, match=name) as refused:
        gateway_factory(name)
    assert (refused.value.code, refused.value.place) == ("invalid_setting", "PRORATA_GATEWAY")


@pytest.mark.parametrize(("given", "allowed"), [({}, False), ({"PRORATA_ALLOW_TEST_GATEWAY": "1"}, True)])
def test_the_test_gateway_is_allowed_where_that_is_set(given: dict[str, str], *, allowed: bool) -> None:
    assert Settings.of(given).allow_test_gateway == allowed


@pytest.mark.parametrize("number", ["0", "-1", "nan"])
def test_a_rate_that_charges_nobody_is_refused(number: str) -> None:
    assert Settings.of({"PRORATA_GATEWAY_PER_SECOND": "12.5"}).gateway_per_second == 12.5
    with pytest.raises(InvalidInput) as refused:
        Settings.of({"PRORATA_GATEWAY_PER_SECOND": number})
    assert (refused.value.code, refused.value.place) == ("invalid_setting", "PRORATA_GATEWAY_PER_SECOND")
