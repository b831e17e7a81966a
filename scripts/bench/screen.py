"""Print the measurements of `python -m scripts.bench` as a table."""

from __future__ import annotations

from collections.abc import Sequence

from prorata.cli.terminal.tables import RIGHT, console, table
from scripts.bench.measured import Measured


def printed(found: Sequence[Measured]) -> None:
    """Print a row for each measurement, and below the table the conditions that they share."""
    common = _common(found)
    made = table("", RIGHT + "ours", RIGHT + "peer", RIGHT + "ratio", "the peer is")
    made.columns[0].no_wrap = True
    for each in found:
        own = "".join(f", {name} {value}" for name, value in each.about.items() if name not in common)
        made.add_row(
            each.name + own,
            f"{each.ours:,} {each.unit}",
            "–" if each.peer is None else f"{each.peer:,}",
            "–" if each.ratio is None else f"{each.ratio:,.4g}",
            each.peer_is or "–",
        )
    out = console()
    out.print(made)
    said = [f"rounds: {found[0].rounds}, medians"]
    if found[0].events is not None:
        said.append(f"{found[0].events:,} events of {found[0].bytes_per_event:,.0f} bytes")
    said += [f"{name}: {value}" for name, value in common.items()]
    out.print("; ".join(said), soft_wrap=True)


def _common(found: Sequence[Measured]) -> dict[str, object]:
    """The conditions that all measurements share."""
    return {
        name: value
        for name, value in found[0].about.items()
        if all(each.about.get(name) == value for each in found)
    }
