"""`prorata seal` and `prorata seal-key`: a signed checkpoint of the log, to be kept outside the database."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from domain.errors import CHECK_FAILED, InvalidInput
from prorata.cli.audit.walk_progress import Workers, counted, findings, progress_bar, workers_or_cores
from prorata.settings import Settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from eventlog.audit.seal import Seal
    from eventlog.audit.verify import VerifyReport


def seal(
    out: Annotated[Path, Parameter(help="The new file of the seal; none is overwritten.")],
    *,
    key: Annotated[Path, Parameter(help="The file of the Ed25519 private key, in PEM: see `seal-key`.")],
    accounts: Annotated[
        Path | None,
        Parameter(help="Also a new file with every account's head: with it, `verify` names what differs."),
    ] = None,
    workers: Workers = None,
) -> int:
    """Walk the log, and sign what it holds up to its settled end: position, counts and roots of hash trees.

    Keep the seal outside the database. Exit 1: the walk found a problem, and nothing was sealed.
    """
    from eventlog.audit.seal import fingerprint
    from prorata.sealed_files import private_key

    signing = private_key(key)
    try:
        report, made = _sealed(out, accounts, signing, workers_or_cores(workers))
    except _NotSealed as refused:
        for sentence, _ in findings(refused.report):
            print(sentence)
        print(f"{counted(refused.report)} walked: nothing was sealed", file=sys.stderr)
        return CHECK_FAILED
    later = report.events - made.events
    print(f"sealed {made.events:,} events of {made.accounts:,} accounts, up to position {made.position}")
    print(f"root {made.root}")
    print(f"signed by key {fingerprint(signing.public_key())}")
    if later:
        print(f"{later:,} events came while it was made", file=sys.stderr)
    return 0


def seal_key(file: Annotated[Path, Parameter(help="The new file; none is overwritten.")]) -> int:
    """Make an Ed25519 key for seals, in a file that only you can read. Prints its public half, in PEM.

    Give the public key to whoever verifies: without it, a seal only shows that somebody signed it.
    """
    from eventlog.audit.seal import fingerprint
    from prorata.sealed_files import new_key, pem

    public = new_key(file)
    print(pem(public), end="")
    print(f"fingerprint {fingerprint(public)}", file=sys.stderr)
    return 0


def _sealed(
    out: Path, accounts: Path | None, signing: Ed25519PrivateKey, workers: int
) -> tuple[VerifyReport, Seal]:
    from eventlog.audit.seal import sign
    from eventlog.audit.sealing import make_seal
    from prorata.sealed_files import account_line, new_file

    with ExitStack() as files:
        sealed = files.enter_context(new_file(out))
        lines = None if accounts is None else files.enter_context(new_file(accounts))
        with progress_bar("sealing") as progress:
            report, made = make_seal(
                Settings.of().database_url,
                workers=workers,
                progress=progress,
                each_leaf=None if lines is None else lambda leaf: lines.write(account_line(leaf)),
            )
        if made is None:
            if report.whole:
                raise InvalidInput("empty_log", "", "the log holds no event yet: there is nothing to seal")
            raise _NotSealed(report)
        sealed.write(sign(made, signing))
    return report, made


class _NotSealed(Exception):  # noqa: N818 - named for what happened
    """The walk found a problem, so nothing was sealed."""

    def __init__(self, report: VerifyReport) -> None:
        super().__init__(report)
        self.report = report
