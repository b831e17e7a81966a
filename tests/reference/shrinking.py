"""The shortest story found in which the model and the product still differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Story = dict[str, Any]
_NEED_NOT_BE = """
    id by confirm payment expected_total resume_on tier discount refund to end last_day pending final region
    vat_id exempt_until for products ticket net policies
""".split()


def shrunk(story: Story, differs: Callable[[Story], bool]) -> Story:
    """The story with everything left out that the difference does not need. `differs` holds for it."""
    while True:
        simpler = next((candidate for candidate in _simpler(story) if differs(candidate)), None)
        if simpler is None:
            return story
        story = simpler


def _simpler(story: Story) -> Iterator[Story]:
    """Stories with a little less in them, the boldest first."""
    steps = story["steps"]
    size = len(steps)
    while size:
        for start in range(0, len(steps), size):
            yield {**story, "steps": steps[:start] + steps[start + size :]}
        size //= 2
    if steps and story["until"] != steps[-1]["at"]:
        yield {**story, "until": steps[-1]["at"]}
    for index, step in enumerate(steps):
        for less in _with_less_in_it(step):
            yield {**story, "steps": [*steps[:index], less, *steps[index + 1 :]]}
    yield from _with_less_beside(story)
    yield from _with_less_for_sale(story)


def _with_less_in_it(step: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The step without a field that it need not have, or with fewer changes of the catalogue."""
    for name in _NEED_NOT_BE:
        if name in step and step["do"] != "reprice":
            yield {key: value for key, value in step.items() if key != name}
    if step["do"] == "catalog":
        for name in ("families", "plans", "add_ons", "credits", "withdrawn"):
            for entry in step.get(name, []):
                yield {**step, name: [other for other in step[name] if other is not entry]}


def _with_less_beside(story: Story) -> Iterator[Story]:
    """Fewer policies, codes and rates."""
    for name in ("policies", "discounts", "tax"):
        if name in story:
            yield {key: value for key, value in story.items() if key != name}
    for name in story.get("policies", {}):
        rest = {key: value for key, value in story["policies"].items() if key != name}
        yield {**story, "policies": rest}
    for code in story.get("discounts", []):
        yield {**story, "discounts": [other for other in story["discounts"] if other is not code]}
    for row in story.get("tax", {}).get("rates", []):
        rates = [other for other in story["tax"]["rates"] if other is not row]
        yield {**story, "tax": {**story["tax"], "rates": rates}}


def _with_less_for_sale(story: Story) -> Iterator[Story]:
    catalogue = story["catalog"]
    for shelf in ("credits", "add_ons", "plans"):
        for entry in catalogue[shelf]:
            left = [other for other in catalogue[shelf] if other is not entry]
            yield {**story, "catalog": {**catalogue, shelf: left}}
    for plan in catalogue["plans"]:
        for tier in plan["tiers"][1:]:
            fewer = {**plan, "tiers": [other for other in plan["tiers"] if other is not tier]}
            plans = [fewer if other is plan else other for other in catalogue["plans"]]
            yield {**story, "catalog": {**catalogue, "plans": plans}}
