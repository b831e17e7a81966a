"""Play story files of FORMAT.md with the reference model, and compare what each expects.

    python -m tests.reference.play tests/scenarios/examples/*.json
    python -m tests.reference.play --json story.json

Exit 1: something that a file expects is not what the model says.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

from tests.reference.account.telling import tell
from tests.reference.amounts import DIGITS, minor
from tests.reference.dates import parse

AMOUNTS = frozenset(
    """total amount unit_price charged net tax discount credit due lowered refunded to_account left""".split()
)
_MOMENTS = ("access_until",)
_UNTOLD = ("payment_method", "reprice", "catalog", "payment_answer", "expect")


def main(arguments: list[str] | None = None) -> int:
    """0: every file holds."""
    parser = argparse.ArgumentParser(prog="play", description="Play story files with the reference model.")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--json", action="store_true", help="print the end state, one object a line")
    options = parser.parse_args(arguments)
    failed = 0
    for path in options.files:
        story = read(path)
        found = unmet(story)
        failed += bool(found)
        if options.json:
            print(json.dumps({"name": story["name"], "mismatches": found, **written_state(story)}))
        for mismatch in found:
            print(f"{path}: {mismatch}", file=sys.stderr)
    print(f"{len(options.files) - failed} of {len(options.files)} hold", file=sys.stderr)
    return 1 if failed else 0


def read(path: Path) -> dict[str, Any]:
    """A story with its catalogue inside."""
    story: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    catalogue = story.get("catalog", "catalog.json")
    if isinstance(catalogue, str):
        story["catalog"] = json.loads((path.parent / catalogue).read_text(encoding="utf-8"))
    return story


def written_state(story: dict[str, Any]) -> dict[str, Any]:
    """Steps and end state as plain JSON: amounts as texts, dates ISO, moments as whole seconds."""
    result = plain(tell(story, story["catalog"]))
    del result["seen"]
    written: dict[str, Any] = _written(result, story["account"]["currency"])
    return written


def _written(value: Any, currency: str, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _written(entry, currency, key) for key, entry in value.items()}
    if isinstance(value, list):
        return [_written(entry, currency, name) for entry in value]
    if name in AMOUNTS and isinstance(value, int):
        digits = DIGITS[currency]
        sign, units = "-" if value < 0 else "", abs(value)
        return f"{sign}{units // 10**digits}" + (f".{units % 10**digits:0{digits}d}" if digits else "")
    return value


def plain(value: Any) -> Any:
    """The model's result with dates as text."""
    if isinstance(value, dict):
        return {name: plain(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return value.isoformat() if isinstance(value, date) else value


def in_model_terms(value: Any, currency: str, zone: str, name: str = "", inside: str = "") -> Any:
    """Written amounts as minor units, written moments as instants."""
    if isinstance(value, dict):
        return {key: in_model_terms(entry, currency, zone, key, name) for key, entry in value.items()}
    if isinstance(value, list):
        return [in_model_terms(entry, currency, zone, name, name) for entry in value]
    if not isinstance(value, str):
        return value
    if name in AMOUNTS and not (name == "discount" and inside == "discounts"):
        return minor(value, currency)
    if name in _MOMENTS or (name in ("from", "until") and inside == "windows"):
        return parse(value, zone)
    return value


# ---- what a file expects


def unmet(story: dict[str, Any]) -> list[str]:
    """What a story file expects and the model does not show."""
    currency, zone = story["account"]["currency"], story["account"]["time_zone"]
    result = tell(story, story["catalog"])
    found = []
    for index, (step, answer) in enumerate(zip(story["steps"], result["steps"], strict=True)):
        place = f"$.steps[{index}]"
        if step["do"] == "expect":
            body = {name: entry for name, entry in step.items() if name not in ("at", "do")}
            found += _unmet_state(body, result["seen"][index], currency, zone, place)
        else:
            found += _unmet_answer(step, answer, currency, zone, place)
    return found + _unmet_state(story.get("expect", {}), result, currency, zone, "$.expect")


def _unmet_answer(
    step: dict[str, Any], answer: dict[str, Any], currency: str, zone: str, place: str
) -> list[str]:
    if answer["code"] != step.get("rejected"):
        return [f"{place}: expected {step.get('rejected')}, got {answer['code']}"]
    wanted = {name: step[name] for name in ("outcome", "charged", "answer") if name in step}
    if step["do"] in _UNTOLD:
        wanted.pop("answer", None)
    return _missing(in_model_terms(wanted, currency, zone), plain(answer), place)


def _unmet_state(
    expect: dict[str, Any], state: dict[str, Any], currency: str, zone: str, place: str
) -> list[str]:
    wanted = dict(expect)
    state = plain(state)
    found = []
    if "invoice_totals" in wanted:
        totals = [minor(total, currency) for total in wanted.pop("invoice_totals")]
        shown = [invoice["total"] for invoice in state["invoices"]]
        found += _missing(totals, shown, f"{place}.invoice_totals")
    for name in ("entitlements", "access_windows"):
        by_product = {entry["product"]: entry for entry in state[name]}
        for entry in wanted.pop(name, []):
            if name == "access_windows" and not entry["windows"] and entry["product"] not in by_product:
                continue
            entry = in_model_terms(entry, currency, zone)
            found += _missing(entry, by_product.get(entry["product"]), f"{place}.{name}")
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


if __name__ == "__main__":
    sys.exit(main())
