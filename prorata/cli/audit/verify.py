"""`prorata verify`: checks that the log is as it was written and sealed."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from domain.errors import CHECK_FAILED, InvalidInput
from prorata.cli.audit.walk_progress import Workers, counted, findings, progress_bar, say, workers_or_cores
from prorata.settings import Settings

if TYPE_CHECKING:
    from eventlog.audit.seal import Seal
    from eventlog.audit.sealing import Comparison
    from eventlog.audit.verify import VerifyReport

_SHOWN = 20
"""The most differences shown to people; `--json` has all of them."""


def verify(
    *,
    account: Annotated[str | None, Parameter(help="Only this account of the tenant.")] = None,
    against: Annotated[
        Path | None,
        Parameter(help="A seal: also that the history up to it is unchanged, so that a lost end is found."),
    ] = None,
    public_key: Annotated[
        Path | None, Parameter(help="With --against: the key, in PEM, that must have signed the seal.")
    ] = None,
    accounts: Annotated[
        Path | None,
        Parameter(help="With --against: the file of accounts made with it, to name what differs."),
    ] = None,
    workers: Workers = None,
    json: Annotated[bool, Parameter(negative="", help="JSON lines: each problem, then the result.")] = False,
    tenant: Annotated[str, Parameter(help="The tenant whose account is meant.")] = "main",
) -> int:
    """Walk the log and check every account's hash chain; name the first event of each that is not as written.

    Exit 0: all is as it was written (and sealed). Exit 1: it is not.
    """
    if against is None and (public_key or accounts):
        raise InvalidInput("usage", "", "--public-key and --accounts belong to --against")
    if against is not None and account is not None:
        raise InvalidInput(
            "usage", "", "a seal is of the whole log: --against and --account exclude each other"
        )
    began = time.monotonic()
    if against is not None:
        return _against(against, public_key, accounts, workers_or_cores(workers), json=json)
    report = _verified(account, tenant, workers_or_cores(workers))
    for text, told in findings(report):
        say(text, told, json=json)
    verdict = "all as it was written" if report.whole else "NOT as it was written"
    say(f"{counted(report)}: {verdict}", _result(report, ok=report.whole, began=began), json=json)
    return 0 if report.whole else CHECK_FAILED


def _verified(account: str | None, tenant: str, workers: int) -> VerifyReport:
    from eventlog.audit.verify import verify_database
    from service.commands import account_id_of

    only = None if account is None else [account_id_of(tenant, account)]
    with progress_bar("verifying") as progress:
        report = verify_database(
            Settings.of().database_url, workers=workers, accounts=only, progress=progress
        )
    if only and not report.events:
        raise InvalidInput(
            "unknown_account", "", f"there is no account {account!r} of the tenant {tenant!r} in the log"
        )
    return report


def _against(file: Path, trusted: Path | None, accounts: Path | None, workers: int, *, json: bool) -> int:
    from eventlog.audit.seal import fingerprint
    from eventlog.audit.sealing import compare
    from prorata.sealed_files import sealed_accounts, trusted_seal

    began = time.monotonic()
    seal, signer = trusted_seal(file, trusted)
    leaves = None if accounts is None else sealed_accounts(accounts, seal)
    with progress_bar("verifying") as progress:
        found = compare(Settings.of().database_url, seal, workers=workers, progress=progress, leaves=leaves)
    for text, told in findings(found.report):
        say(text, told, json=json)
    _print_differences(found, json=json)
    result = _result(found.report, ok=found.holds, began=began) | {
        "seal": {
            "position": seal.position,
            "events": seal.events,
            "accounts": seal.accounts,
            "root": seal.root,
            "made_at": seal.made_at,
            "key": fingerprint(signer),
            "key_is_known": trusted is not None,
            "differences": len(found.differences),
            "later_events": found.later,
        }
    }
    say(_verdict(found, seal), result, json=json)
    if trusted is None:
        print(
            f"the seal was signed by key {fingerprint(signer)}: compare it with the one you know, or give "
            "--public-key; by itself a signature only shows that the seal is as somebody signed it",
            file=sys.stderr,
        )
    return 0 if found.holds else CHECK_FAILED


def _print_differences(found: Comparison, *, json: bool) -> None:
    shown = found.differences if json else found.differences[:_SHOWN]
    for difference in shown:
        told = {"shard": difference.shard, "account": difference.account_id, "message": difference.message}
        say(str(difference), {"difference": difference.kind, **told}, json=json)
    if len(shown) < len(found.differences):
        print(f"… and {len(found.differences) - len(shown)} more differences: see --json")


def _verdict(found: Comparison, seal: Seal) -> str:
    what = f"{seal.events:,} events of {seal.accounts:,} accounts up to position {seal.position}"
    if found.differences:
        return f"{counted(found.report)}: NOT as sealed at {seal.made_at} ({what})"
    if not found.report.whole:
        return f"{counted(found.report)}: NOT as it was written"
    return f"all as sealed at {seal.made_at}: {what}; {found.later:,} events came later"


def _result(report: VerifyReport, *, ok: bool, began: float) -> dict[str, Any]:
    return {
        "ok": ok,
        "log_id": str(report.log_id),
        "events": report.events,
        "accounts": report.accounts,
        "problems": len(report.problems) + report.more_problems,
        "unguarded": len(report.unguarded),
        "seconds": round(time.monotonic() - began, 3),
    }
