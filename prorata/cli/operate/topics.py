"""`prorata topics`: the topics of the contract, created and checked."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from prorata.settings import Settings


def topics(
    *,
    check: Annotated[
        bool, Parameter(negative="", help="Create nothing: only say whether all is right.")
    ] = False,
) -> int:
    """Create the topics that are missing, and check partitions and settings of all.

    Exit 4: one exists with others than the contract's, or with --check is missing.
    """
    from prorata.cli.terminal.tables import console, table
    from publishing.topics import check_topics, ensure_topics

    settings = Settings.of()
    found = (check_topics if check else ensure_topics)(settings.kafka, settings.kafka_prefix)
    shown = table("topic", ">partitions", "settings")
    for topic in found.all:
        values = ", ".join(f"{name}={value}" for name, value in topic.settings.items())
        shown.add_row(topic.name, str(topic.partitions), values)
    console().print(shown)
    return 0
