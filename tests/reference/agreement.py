"""The product held against the model: the first place where the two tell a story differently."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from prorata.simulation.run import run
from prorata.simulation.scenario import parse_scenario
from tests.reference.account.telling import tell
from tests.reference.play import in_model_terms, plain

_STEP = ("outcome", "code", "charged", "answer")


def first_difference(story: dict[str, Any]) -> str | None:
    """Where the model and the product first differ in a story with its catalogue inside, as a sentence."""
    return difference_from(plain(tell(story, story["catalog"])), story)


def difference_from(model: dict[str, Any], story: dict[str, Any]) -> str | None:
    """Where the product first differs from what the model told of the story."""
    currency, zone = story["account"]["currency"], story["account"]["time_zone"]
    parsed = parse_scenario(msgspec.json.encode(story), Path(), {})
    try:
        product = msgspec.json.decode(msgspec.json.encode(run(parsed)))
    except Exception as error:  # noqa: BLE001 - a crash of the product is a difference to report
        return f"the product raises {type(error).__name__}: {error}"
    steps = [{name: step[name] for name in _STEP} for step in product["steps"]]
    theirs = in_model_terms({"steps": steps, **product["state"]}, currency, zone)
    ours = {name: model[name] for name in model if name != "seen"}
    return _unlike(ours, theirs, "$")


def _unlike(ours: Any, theirs: Any, place: str) -> str | None:
    """The first place where the two differ."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if not theirs.keys() <= ours.keys():
            return f"{place}: the model has the fields {sorted(ours)}, the product {sorted(theirs)}"
        found = (_unlike(ours[name], theirs[name], f"{place}.{name}") for name in ours if name in theirs)
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
