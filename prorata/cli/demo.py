"""`prorata demo`: the product page's story, end to end, on the servers that the environment names."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING
from uuid import uuid4

from domain.errors import InvalidInput
from prorata.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 120
"""The number of columns if the output is no terminal."""


def demo() -> int:
    """Play the product page's story on real servers and show what arrives over Kafka, with the rule for
    each row.

    In the end the figures are checked against simulation of the same stories. Exit 1: they differ.
    """
    from prorata.cli.terminal.tables import console as plain_console
    from prorata.demo.play import play, stories
    from prorata.demo.received import cached, receive
    from prorata.demo.tables import print_access, print_answers, print_cache, print_events, print_invoices
    from prorata.simulation.shown import shown_documents

    settings, console = Settings.of(), plain_console(markup=True)
    if settings.test_clocks == "refused":
        message = "the demo's accounts live on a test clock, and this system takes none"
        raise InvalidInput("test_clocks_refused", "PRORATA_TEST_CLOCKS", message)
    if not console.is_terminal:
        console.width = WIDTH
    told = stories(uuid4().hex[:6])
    answers = play(settings, told, lambda line: console.print(f"[dim]·[/dim] {line}"))
    received = receive(settings)
    differing = []
    for story in told:
        account = f"main/{story.account}"
        until = story.scenario.until
        shown = shown_documents(received.documents(account), story.scenario.catalog, at=until)
        console.rule(f"[bold]{story.scenario.name}[/bold]")
        print_answers(console, answers[story.account])
        print_events(console, received.events[account])
        print_invoices(console, shown, received.events[account])
        print_access(console, shown)
        cache = cached(settings, account, shown, until)
        print_cache(console, until, story.scenario.time_zone, cache)
        if shown != story.expected.state or not story.expected.ok:
            differing.append(story.account)
    console.rule()
    if differing:
        console.print(f"[bold red]These accounts differ from simulation: {', '.join(differing)}[/bold red]")
        return 1
    invoices = sum(len(story.expected.state.invoices) for story in told)
    console.print(
        f"[bold green]Checked:[/bold green] {invoices} invoices, all entitlements and access windows that "
        f"arrived over Kafka equal `prorata simulate` of the same {len(told)} stories."
    )
    _show_pages(settings, console, told[0].account)
    return 0


def _show_pages(settings: Settings, console: Console, account: str) -> None:
    """The pages of the first story's account: where a person is there to look, they stay up until Enter."""
    from prorata.demo.pages import pages
    from prorata.demo.play import as_role
    from prorata.roles import SERVICE

    with pages(as_role(settings, SERVICE)) as site:
        console.print(f"\nThe pages of {account}, signed in once by this link: {site.link(account)}")
        console.print(f"The console: {site.url}/console, signed in by this key: {site.key('owner')}")
        if sys.stdin.isatty() and console.is_terminal:
            console.input("Press Enter to end. [dim]`make pages` keeps pages with more accounts up.[/dim] ")
        else:
            console.print("They end with this demo; `make pages` keeps them up, with more accounts.")
