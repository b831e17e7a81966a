"""The shortest story found in which the model and the product still differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Story = dict[str, Any]


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
        for name in ("id", "by", "confirm", "payment", "expected_total", "resume_on", "tier"):
            if name in step and step["do"] != "reprice":
                less = {key: value for key, value in step.items() if key != name}
                yield {**story, "steps": [*steps[:index], less, *steps[index + 1 :]]}
    yield from _with_less_for_sale(story)


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
