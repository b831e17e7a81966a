"""The command `prorata`. Each subcommand is a module that is imported only when it is called, so that a
simulation loads no server's client.

Exit codes: those of `domain.errors` (docs/operations.md); 129 the terminal has gone; 130 interrupted.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import Final

import cyclopts

from domain.errors import DONE, HUNG_UP, INTERRUPTED

app = cyclopts.App(
    name="prorata",
    help="Event-sourced billing for accounts that hold base plans and add-ons.",
    help_flags=["--help", "-h"],
    version_flags=[],  # `main` answers --version
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
webhooks = cyclopts.App(name="webhooks", help="Webhooks: what sends them.")
persons = cyclopts.App(name="persons", help="Billing details: their key, and what a timer destroys.")
export = cyclopts.App(name="export", help="The log as a file, for another database.")
gateway = cyclopts.App(name="gateway", help="The payment provider: its messages.")
import_ = cyclopts.App(name="import", help="Take over what another system, or another log, kept.")

GROUPS = {
    str(group.name[0]): group
    for group in (
        *(catalog, tax, discounts, ledger, dlq, archive),
        *(persons, key, gateway, export, import_, webhooks),
    )
}


_FUNCTIONS: dict[tuple[str, str], str] = {}
"""Group (the name of its app) and name of a command → the function that it is, as `module:name`."""


def _add(group: cyclopts.App, function: str, name: str | None = None) -> None:
    """Add a command that is imported when it is called."""
    named = name or function.rpartition(":")[2]
    group.command(function, name=named)
    _FUNCTIONS[group.name[0], named] = function


_add(app, "prorata.cli.simulate:simulate")
_add(app, "prorata.cli.operate.database:migrate")
app.command(catalog)
_add(catalog, "prorata.cli.catalog.files:check", name="check")
_add(catalog, "prorata.cli.catalog.files:diff", name="diff")
_add(catalog, "prorata.cli.catalog.files:schema", name="schema")
_add(catalog, "prorata.cli.catalog.versions:load", name="load")
_add(catalog, "prorata.cli.catalog.versions:list_", name="list")
_add(catalog, "prorata.cli.catalog.versions:show", name="show")
_add(catalog, "prorata.cli.catalog.versions:withdraw", name="withdraw")
for _terms, _name in ((tax, "tax"), (discounts, "discounts")):
    app.command(_terms)
    for _verb in ("check", "load", "list", "show"):
        _function = "list_" if _verb == "list" else _verb
        _add(_terms, f"prorata.cli.catalog.{_name}:{_function}", name=_verb)
_add(app, "prorata.cli.account.command:command")
_add(app, "prorata.cli.account.lists:accounts")
_add(app, "prorata.cli.account.lists:invoices")
_add(app, "prorata.cli.account.preview:preview")
_add(app, "prorata.cli.account.screens:shop")
_add(app, "prorata.cli.account.screens:billing")
_add(app, "prorata.cli.account.explain:explain")
_add(app, "prorata.cli.account.clock:clock")
_add(app, "prorata.cli.operate.bill:bill")
_add(app, "prorata.cli.operate.serve:serve")
_add(app, "prorata.cli.operate.card_element:card_element", name="card-element")
app.command(key)
_add(key, "prorata.cli.operate.keys:create", name="create")
_add(key, "prorata.cli.operate.keys:list_", name="list")
_add(key, "prorata.cli.operate.keys:roll", name="roll")
_add(key, "prorata.cli.operate.keys:revoke", name="revoke")
app.command(gateway)
_add(gateway, "prorata.cli.operate.gateway_event:event", name="event")
app.command(import_)
_add(import_, "prorata.cli.operate.import_accounts:accounts", name="accounts")
_add(import_, "prorata.cli.operate.transfer:import_events", name="events")
app.command(export)
_add(export, "prorata.cli.operate.transfer:export_events", name="events")
_add(app, "prorata.cli.operate.project:project")
_add(app, "prorata.cli.operate.project:lag")
_add(app, "prorata.cli.operate.parked:parked")
_add(app, "prorata.cli.operate.parked:release")
_add(app, "prorata.cli.operate.topics:topics")
_add(app, "prorata.cli.operate.workers:relay")
_add(app, "prorata.cli.operate.workers:consume")
_add(app, "prorata.cli.operate.workers:replay")
_add(app, "prorata.cli.operate.status:status")
_add(app, "prorata.cli.operate.status:metrics")
app.command(dlq)
_add(dlq, "prorata.cli.operate.dead_letters:refused", name="refused")
_add(dlq, "prorata.cli.operate.dead_letters:list_", name="list")
_add(dlq, "prorata.cli.operate.dead_letters:show", name="show")
_add(dlq, "prorata.cli.operate.dead_letters:release", name="release")
app.command(archive)
_add(archive, "prorata.cli.audit.archive:run", name="run")
_add(archive, "prorata.cli.audit.archive:verify", name="verify")
_add(app, "prorata.cli.finance.reconcile:reconcile")
app.command(ledger)
_add(ledger, "prorata.cli.finance.ledger:recognise", name="recognise")
_add(ledger, "prorata.cli.finance.ledger:show", name="show")
_add(ledger, "prorata.cli.finance.ledger:close", name="close")
_add(ledger, "prorata.cli.finance.export:export", name="export")
_add(ledger, "prorata.cli.finance.export:summary", name="summary")
_add(ledger, "prorata.cli.finance.ledger:check", name="check")
_add(app, "prorata.cli.audit.history:history")
_add(app, "prorata.cli.audit.show:show")
_add(app, "prorata.cli.audit.show:diff")
_add(app, "prorata.cli.operate.rebuild:rebuild")
_add(app, "prorata.cli.audit.verify:verify")
_add(app, "prorata.cli.audit.seal:seal")
_add(app, "prorata.cli.audit.seal:seal_key", name="seal-key")
_add(app, "prorata.cli.operate.persons:erase")
app.command(persons)
app.command(webhooks)
_add(webhooks, "prorata.cli.operate.webhooks:send", name="send")
for _verb in ("key", "rewrap", "destroy"):
    _add(persons, f"prorata.cli.operate.persons:{_verb}", name=_verb)
_add(app, "prorata.cli.demo:demo")


def _describe_commands(arguments: list[str]) -> None:
    """Where help is asked for: show it as everything is shown, and say what each command is for that a list
    names, without importing any."""
    if arguments and not any(argument in app.help_flags for argument in arguments):
        return
    from prorata.cli.terminal.tables import console

    app.console = console()
    named = [argument for argument in arguments if argument not in app.help_flags]
    listed = app if not named else GROUPS.get(named[0]) if len(named) == 1 else None
    if listed is not None:
        _describe(listed)


def _describe(listed: cyclopts.App) -> None:
    from prorata.cli.terminal.descriptions import described

    listed.help_format = "plaintext"  # Markdown takes as long to import as all else
    for (group, name), function in _FUNCTIONS.items():
        if group == listed.name[0]:
            del listed[name]
            listed.command(function, name=name, help=described(function))


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


GARBAGE_LOOKED_FOR_AFTER: Final = 20_000
"""New objects, in place of Python's 700: a start makes very many that stay, and afterwards next to none that
form cycles."""


def main() -> int:
    """Run the command line and return its exit code; failures are printed."""
    from prorata.cli.terminal.failures import complain, explained
    from prorata.cli.terminal.streams import open_streams, reader_has_left

    gc.set_threshold(GARBAGE_LOOKED_FOR_AFTER, *gc.get_threshold()[1:])
    try:
        open_streams()
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # under nohup it is ignored
            signal.signal(signal.SIGHUP, _hang_up)
        if sys.argv[1:] == ["--version"]:
            return _print_version()
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


def _print_version() -> int:
    from prorata.processes.version import code_version

    print(f"prorata {code_version()}")
    return DONE


def _leave_quietly() -> None:
    """Write what is left in the streams; drop it silently if that fails, as there is nowhere to report it."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
