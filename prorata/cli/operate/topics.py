"""`prorata topics`: the topics of the contract, created and checked, and who needs which right on them."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from domain.errors import InvalidInput
from prorata.settings import Settings


def topics(
    *,
    check: Annotated[
        bool, Parameter(negative="", help="Create nothing: only say whether all is right.")
    ] = False,
    acls: Annotated[
        bool,
        Parameter(negative="", help="Only print the rights that each process needs at a broker with ACLs."),
    ] = False,
) -> int:
    """Create the topics that are missing, and check partitions and settings of all.

    Exit 4: one exists with others than the contract's, or with --check is missing. --acls asks no broker.
    """
    from prorata.cli.terminal.tables import console, table
    from publishing.topics import check_topics, ensure_topics

    if check and acls:
        raise InvalidInput("usage", "--acls", "it asks no broker, so it goes without --check")
    settings = Settings.of()
    if acls:
        return _print_acls(settings)
    found = (check_topics if check else ensure_topics)(settings.broker, settings.kafka_prefix)
    shown = table("topic", ">partitions", "settings")
    for topic in found.all:
        values = "\n".join(f"{name}={value}" for name, value in topic.settings.items())
        shown.add_row(topic.name, str(topic.partitions), values)
    console().print(shown)
    return 0


def _print_acls(settings: Settings) -> int:
    """Print a table, and the commands that grant what is in it."""
    from prorata.cli.terminal.tables import console, table
    from prorata.permissions import permissions, principal_of

    out, granted = console(), permissions(settings.kafka_prefix)
    shown = table("process", "may", "on")
    for process, needed in granted.items():
        for nth, one in enumerate(needed):
            on = "\n".join((f"{one.resource}:", *one.names) if one.resource != "topic" else one.names)
            shown.add_row(process if nth == 0 else "", "\n".join(one.operations), on)
        shown.add_section()
    out.print(shown)
    for process, needed in granted.items():
        for one in needed:
            out.print(one.command(principal_of(process), settings.kafka), soft_wrap=True)
    return 0
