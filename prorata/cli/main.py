"""The command `prorata`. Each subcommand is a module that is imported only when it is called, so that a
simulation loads no server's client.

Exit codes: those of `domain.errors` (docs/operations.md); 129 the terminal has gone; 130 interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType

import cyclopts

from domain.errors import DONE, HUNG_UP, INTERRUPTED

app = cyclopts.App(
    name="prorata",
    help="Event-sourced billing for accounts that hold base plans and add-ons.",
    help_flags=["--help", "-h"],
    version_flags=[],
    result_action="return_value",
    suppress_keyboard_interrupt=False,  # `main` handles it
)
catalog = cyclopts.App(name="catalog", help="The catalogue: check, compare, load, list, show, withdraw.")
tax = cyclopts.App(name="tax", help="The tables that decide taxes: check, load, list, show.")
discounts = cyclopts.App(name="discounts", help="The discount codes: check, load, list, show.")
ledger = cyclopts.App(name="ledger", help="The finance ledger: recognise, close a month, check, export.")
dlq = cyclopts.App(name="dlq", help="Records that a consumer could not handle: look, mend, release.")
key = cyclopts.App(name="key", help="API keys: create, list, roll, revoke.")
archive = cyclopts.App(name="archive", help="The audit archive: a Parquet file a day, verified by itself.")
persons = cyclopts.App(name="persons", help="Billing details: their key, and what a timer destroys.")
export = cyclopts.App(name="export", help="The log as a file, for another database.")
import_ = cyclopts.App(name="import", help="Take over what another system, or another log, kept.")

GROUPS = {
    str(group.name[0]): group
    for group in (catalog, tax, discounts, ledger, dlq, archive, persons, key, export, import_)
}

app.command("prorata.cli.simulate:simulate")
app.command("prorata.cli.operate.database:migrate")
app.command(catalog)
catalog.command("prorata.cli.catalog.files:check", name="check")
catalog.command("prorata.cli.catalog.files:diff", name="diff")
catalog.command("prorata.cli.catalog.files:schema", name="schema")
catalog.command("prorata.cli.catalog.versions:load", name="load")
catalog.command("prorata.cli.catalog.versions:list_", name="list")
catalog.command("prorata.cli.catalog.versions:show", name="show")
catalog.command("prorata.cli.catalog.versions:withdraw", name="withdraw")
for _terms, _name in ((tax, "tax"), (discounts, "discounts")):
    app.command(_terms)
    for _verb in ("check", "load", "list", "show"):
        _function = "list_" if _verb == "list" else _verb
        _terms.command(f"prorata.cli.catalog.{_name}:{_function}", name=_verb)
app.command("prorata.cli.account.command:command")
app.command("prorata.cli.account.preview:preview")
app.command("prorata.cli.account.screens:shop")
app.command("prorata.cli.account.screens:billing")
app.command("prorata.cli.account.explain:explain")
app.command("prorata.cli.account.clock:clock")
app.command("prorata.cli.operate.bill:bill")
app.command("prorata.cli.operate.serve:serve")
app.command(key)
key.command("prorata.cli.operate.keys:create", name="create")
key.command("prorata.cli.operate.keys:list_", name="list")
key.command("prorata.cli.operate.keys:roll", name="roll")
key.command("prorata.cli.operate.keys:revoke", name="revoke")
app.command(import_)
import_.command("prorata.cli.operate.import_accounts:accounts", name="accounts")
import_.command("prorata.cli.operate.transfer:import_events", name="events")
app.command(export)
export.command("prorata.cli.operate.transfer:export_events", name="events")
app.command("prorata.cli.operate.project:project")
app.command("prorata.cli.operate.project:lag")
app.command("prorata.cli.operate.parked:parked")
app.command("prorata.cli.operate.parked:release")
app.command("prorata.cli.operate.topics:topics")
app.command("prorata.cli.operate.workers:relay")
app.command("prorata.cli.operate.workers:consume")
app.command("prorata.cli.operate.workers:replay")
app.command("prorata.cli.operate.status:status")
app.command("prorata.cli.operate.status:metrics")
app.command(dlq)
dlq.command("prorata.cli.operate.dead_letters:refused", name="refused")
dlq.command("prorata.cli.operate.dead_letters:list_", name="list")
dlq.command("prorata.cli.operate.dead_letters:show", name="show")
dlq.command("prorata.cli.operate.dead_letters:release", name="release")
app.command(archive)
archive.command("prorata.cli.audit.archive:run", name="run")
archive.command("prorata.cli.audit.archive:verify", name="verify")
app.command(ledger)
ledger.command("prorata.cli.finance.ledger:recognise", name="recognise")
ledger.command("prorata.cli.finance.ledger:show", name="show")
ledger.command("prorata.cli.finance.ledger:close", name="close")
ledger.command("prorata.cli.finance.export:export", name="export")
ledger.command("prorata.cli.finance.export:summary", name="summary")
ledger.command("prorata.cli.finance.ledger:check", name="check")
app.command("prorata.cli.audit.history:history")
app.command("prorata.cli.audit.show:show")
app.command("prorata.cli.audit.show:diff")
app.command("prorata.cli.operate.rebuild:rebuild")
app.command("prorata.cli.audit.verify:verify")
app.command("prorata.cli.audit.seal:seal")
app.command("prorata.cli.audit.seal:seal_key", name="seal-key")
app.command("prorata.cli.operate.persons:erase")
app.command(persons)
for _verb in ("key", "rewrap", "destroy"):
    persons.command(f"prorata.cli.operate.persons:{_verb}", name=_verb)
app.command("prorata.cli.demo:demo")


def _describe_commands(arguments: list[str]) -> None:
    """Import the modules of the commands that a help page lists: their descriptions are there."""
    if not arguments or any(argument in app.help_flags for argument in arguments):
        from prorata.cli.terminal.tables import console

        app.console = console()
    named = [argument for argument in arguments if argument not in app.help_flags]
    listed = app if not named else GROUPS.get(named[0]) if len(named) == 1 else None
    if listed is not None:
        for name in listed:
            _ = listed[name]


def _configure_logs() -> None:
    """Configure logs unless the settings are the default ones: that takes a tenth of a second."""
    if any(name in os.environ for name in ("PRORATA_LOG_FORMAT", "PRORATA_LOG_LEVEL")):
        from prorata.logs import configure
        from prorata.settings import Settings

        settings = Settings.of()
        configure(settings.log_format, settings.log_level)


class _HungUp(BaseException):
    """The terminal from which this process was started has gone."""


def _hang_up(_signal: int, _frame: FrameType | None) -> None:
    raise _HungUp


def main() -> int:
    """Run the command line and return its exit code; failures are printed."""
    from prorata.cli.terminal.failures import complain, explained
    from prorata.cli.terminal.streams import open_streams, reader_has_left

    try:
        open_streams()
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # under nohup it is ignored
            signal.signal(signal.SIGHUP, _hang_up)
        _describe_commands(sys.argv[1:])
        _configure_logs()
        exit_code = int(app(exit_on_error=False, print_error=False) or DONE)
        sys.stdout.flush()  # a failure to write is reported below, not while the process ends
        return exit_code
    except _HungUp:
        complain("hung_up", "the terminal has gone before it was done; what was begun may be given again")
        return HUNG_UP
    except KeyboardInterrupt:
        complain("interrupted", "it was ended before it was done; what was begun may be given again")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the outermost place: it prints a sentence with a code
        return DONE if reader_has_left(error) else explained(error)
    finally:
        _leave_quietly()


def _leave_quietly() -> None:
    """Write what is left in the streams; drop it silently if that fails, as there is nowhere to report it."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
