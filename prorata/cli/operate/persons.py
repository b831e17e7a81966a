"""`prorata erase`: remove a person from everything but the documents that the law keeps; `prorata persons`:
the key that their details are sealed by, and what a timer runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from domain.errors import InvalidInput
from domain.texts import escaped
from prorata.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.persons.erasing import Erased


def erase(
    who: Annotated[str, Parameter(help="An account's name, or the id that details name a person by.")],
    *,
    tenant: Annotated[str, Parameter(help="The tenant that the account is of.")] = "main",
    json: Annotated[bool, Parameter(negative="", help="One JSON object a line.")] = False,
) -> int:
    """Destroy billing details (R93): of the account, and of every account whose details name this person.

    Details that an invoice or a credit note names are locked, so that finance alone reads them, until the
    last of their documents may go (PRORATA_RETENTION_YEARS). The log holds nothing of a person and still
    verifies. Done again, it finds nothing.
    """
    from prorata.wiring_of_persons import opened_eraser
    from service.commands import account_id_of
    from service.completing import complete

    with opened_eraser(Settings.of()) as eraser:
        erased = complete(eraser.erase_person(who))
        erased.append(complete(eraser.erase_account(account_id_of(tenant, who))))
    done = [one for one in erased if one.destroyed or one.locked]
    if not done:
        raise InvalidInput("nothing_to_erase", "WHO", f"no billing details are kept of {escaped(who)!r}")
    _show(done, json=json)
    return 0


def key(file: Annotated[Path, Parameter(help="The new file; none is overwritten.")]) -> int:
    """Make the key that billing details are sealed by, in a file that only you can read.

    PRORATA_PERSONS_KEY names the file. Keep a copy where no backup of the database is: whoever has both can
    read details that were erased since. To replace a key, put a new one before it in the same file, then run
    `prorata persons rewrap`, then take the old one out.
    """
    from prorata.sealed_files import new_file
    from service.persons.vault import new_key

    with new_file(file, mode=0o600) as out:
        out.write(f"{new_key()}\n".encode())
    print(f"PRORATA_PERSONS_KEY={file}")
    return 0


def rewrap() -> int:
    """Seal every version's own key by the first key of the file, so that the others can be taken out."""
    from prorata.wiring_of_persons import opened_details, vault_of
    from service.persons.desk import rewrap as rewrapped

    settings = Settings.of()
    with opened_details(settings) as store:
        count = rewrapped(store, vault_of(settings))
    print(f"{count:,} versions of billing details are sealed by the first key")
    return 0


def destroy() -> int:
    """Destroy erased details that were kept for documents whose time is over; for a daily timer."""
    from prorata.wiring_of_persons import opened_eraser

    with opened_eraser(Settings.of()) as eraser:
        destroyed = eraser.destroy_past()
    print(f"{len(destroyed):,} versions of billing details were destroyed")
    return 0


def _show(erased: Sequence[Erased], *, json: bool) -> None:
    for one in erased:
        if json:
            print(msgspec.json.encode(one).decode())
            continue
        account = escaped(one.account_id)
        if one.destroyed:
            print(f"{account}: destroyed {_versions(one.destroyed)}")
        for version, until in one.locked.items():
            print(f"{account}: version {version} is kept until {until} for the documents that name it")


def _versions(numbers: Sequence[int]) -> str:
    return f"version {numbers[0]}" if len(numbers) == 1 else f"versions {', '.join(map(str, numbers))}"
