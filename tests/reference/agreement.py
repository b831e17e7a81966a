"""The reference model held against expectations, and against the product."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from prorata.simulation.run import run
from prorata.simulation.scenario import parse_scenario
from tests.reference.amounts import minor
from tests.reference.dates import parse
from tests.reference.model import tell

_AMOUNTS = ("total", "amount", "unit_price", "charged")


def first_difference(scenario: dict[str, Any]) -> str | None:
    """Where the model and the product first differ in a story with its catalogue inside, as a sentence."""
    return difference_from(plain(tell(scenario, scenario["catalog"])), scenario)


def difference_from(model: dict[str, Any], scenario: dict[str, Any]) -> str | None:
    """Where the product first differs from what the model told of the story."""
    currency, zone = scenario["account"]["currency"], scenario["account"]["time_zone"]
    parsed = parse_scenario(msgspec.json.encode(scenario), Path(), {})
    try:
        product = msgspec.json.decode(msgspec.json.encode(run(parsed)))
    except Exception as error:  # noqa: BLE001 - a crash of the product is a difference to report
        return f"the product raises {type(error).__name__}: {error}"
    state = product["state"]
    theirs = {
        "steps": [{name: step[name] for name in ("outcome", "code", "charged")} for step in product["steps"]],
        **{name: state[name] for name in ("account", "invoices", "entitlements", "access_windows")},
    }
    ours = {name: model[name] for name in theirs}
    return _unlike(ours, in_model_terms(theirs, currency, zone), "$")


def plain(value: Any) -> Any:
    """The model's result with dates as text and spans as from and until."""
    if isinstance(value, dict):
        return {name: plain(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    if isinstance(value, tuple):
        return {"from": value[0], "until": value[1]}
    return value.isoformat() if isinstance(value, date) else value


def in_model_terms(value: Any, currency: str, zone: str, name: str = "", inside: str = "") -> Any:
    """Written amounts as minor units, written moments as instants."""
    if isinstance(value, dict):
        return {key: in_model_terms(entry, currency, zone, key, name) for key, entry in value.items()}
    if isinstance(value, list):
        return [in_model_terms(entry, currency, zone, name, name) for entry in value]
    if not isinstance(value, str):
        return value
    if name in _AMOUNTS:
        return minor(value, currency)
    if name == "access_until" or (name in ("from", "until") and inside == "windows"):
        return parse(value, zone)
    return value


def _unlike(ours: Any, theirs: Any, place: str) -> str | None:
    """The first place where the two differ."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if ours.keys() != theirs.keys():
            return f"{place}: the model has the fields {sorted(ours)}, the product {sorted(theirs)}"
        found = (_unlike(ours[name], theirs[name], f"{place}.{name}") for name in ours)
        return next((difference for difference in found if difference), None)
    if isinstance(ours, list) and isinstance(theirs, list):
        pairs = enumerate(zip(ours, theirs, strict=False))
        found = (_unlike(own, their, f"{place}[{index}]") for index, (own, their) in pairs)
        difference = next((difference for difference in found if difference), None)
        if difference is None and len(ours) != len(theirs):
            longer, side = (ours, "model") if len(ours) > len(theirs) else (theirs, "product")
            return f"{place}: only the {side} has {longer[min(len(ours), len(theirs))]}"
        return difference
    if ours == theirs and type(ours) is type(theirs):
        return None
    return f"{place}: the model says {ours!r}, the product {theirs!r}"


def unmet(scenario: dict[str, Any], catalogue: dict[str, Any]) -> list[str]:
    """What a scenario file expects and the model does not show."""
    currency, zone = scenario["account"]["currency"], scenario["account"]["time_zone"]
    result = tell(scenario, catalogue)
    found = []
    for index, (step, answer) in enumerate(zip(scenario["steps"], result["steps"], strict=True)):
        place = f"$.steps[{index}]"
        if step["do"] == "expect":
            body = {name: entry for name, entry in step.items() if name not in ("at", "do")}
            found += _unmet_state(body, result["seen"][index], currency, zone, place)
        elif step["do"] not in ("payment_method", "reprice"):
            found += _unmet_answer(step, answer, currency, place)
    return found + _unmet_state(scenario.get("expect", {}), result, currency, zone, "$.expect")


def _unmet_answer(step: dict[str, Any], answer: dict[str, Any], currency: str, place: str) -> list[str]:
    if answer["code"] != step.get("rejected"):
        return [f"{place}: expected {step.get('rejected')}, got {answer['code']}"]
    if "outcome" in step and step["outcome"] != answer["outcome"]:
        return [f"{place}: expected {step['outcome']}, got {answer['outcome']}"]
    if "charged" in step and minor(step["charged"], currency) != answer["charged"]:
        return [f"{place}: expected {step['charged']}, got {answer['charged']}"]
    return []


def _unmet_state(
    expect: dict[str, Any], state: dict[str, Any], currency: str, zone: str, place: str
) -> list[str]:
    wanted = dict(expect)
    state = plain(state)
    found = []
    if "invoice_totals" in wanted:
        totals = [minor(total, currency) for total in wanted.pop("invoice_totals")]
        found += _missing(
            totals, [invoice["total"] for invoice in state["invoices"]], f"{place}.invoice_totals"
        )
    for name in ("entitlements", "access_windows"):
        shown = {entry["product"]: entry for entry in state[name]}
        for entry in wanted.pop(name, []):
            if name == "access_windows" and not entry["windows"] and entry["product"] not in shown:
                continue
            entry = in_model_terms(entry, currency, zone)
            found += _missing(entry, shown.get(entry["product"]), f"{place}.{name}")
    return found + _missing(in_model_terms(wanted, currency, zone), state, place)


def _missing(wanted: Any, shown: Any, place: str) -> list[str]:
    """What is named in `wanted` and is otherwise in what is shown."""
    if isinstance(wanted, dict) and isinstance(shown, dict):
        return [
            text for name in wanted for text in _missing(wanted[name], shown.get(name), f"{place}.{name}")
        ]
    if isinstance(wanted, list) and isinstance(shown, list) and len(wanted) == len(shown):
        return [text for i in range(len(wanted)) for text in _missing(wanted[i], shown[i], f"{place}[{i}]")]
    return [] if wanted == shown else [f"{place}: expected {wanted!r}, got {shown!r}"]
