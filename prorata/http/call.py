"""A request as the routes see it: who asks, for which account, with which parameters and body."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from domain.texts import is_plain
from prorata.http.problems import refuse
from prorata.keys.key import ApiKey
from prorata.wording import Language
from service.commands import MAX_BYTES, account_id_of

MAX_LIMIT = 500
"""Items of a page at most."""

DEFAULT_LIMIT = 50


class Answered(msgspec.Struct, frozen=True):
    """What is answered. `body`: what is encoded as JSON, or bytes as they are."""

    body: Any
    status: int = 200
    headers: dict[str, str] = {}
    media_type: str = "application/json"


class Call(msgspec.Struct):
    """One request. `fields`: its body, decoded, None where it has none; `path`: the parameters of its path.
    The accounts that it names are those of its key's tenant: `account_id` is the only way to one."""

    key: ApiKey | None
    request_id: str
    headers: dict[str, str]
    query: dict[str, str]
    language: Language
    body: bytes = b""
    fields: dict[str, Any] | None = None
    path: dict[str, str] = {}
    route: str = ""

    @property
    def caller(self) -> ApiKey:
        """Who asks. No route without a key comes here."""
        assert self.key is not None
        return self.key

    @property
    def tenant(self) -> str:
        """Whose accounts are meant."""
        return self.caller.tenant

    @property
    def account(self) -> str:
        """The account that the path names, within the tenant."""
        return self.path["account"]

    @property
    def account_id(self) -> str:
        """The log's id of the account that the path names. Raises InvalidInput."""
        return account_id_of(self.tenant, self.account, "account")

    @property
    def command_id(self) -> str | None:
        """The command's id (`Idempotency-Key`). Raises ProblemFound `invalid_header`, `id_too_long`."""
        given = self.headers.get("idempotency-key")
        if given is None:
            return None
        if not given or not is_plain(given):
            raise refuse("invalid_header", "an Idempotency-Key is a plain text", place="Idempotency-Key")
        if len(given.encode()) > MAX_BYTES:
            message = f"an Idempotency-Key has at most {MAX_BYTES} bytes"
            raise refuse("id_too_long", message, place="Idempotency-Key")
        return given

    @property
    def wait(self) -> float:
        """Seconds for which the read models are waited for."""
        return self._number("wait", 0.0, 30.0)

    @property
    def limit(self) -> int:
        """Items of a page."""
        given = self.query.get("limit")
        if given is None:
            return DEFAULT_LIMIT
        if not (given.isascii() and given.isdigit() and 1 <= int(given[:9]) <= MAX_LIMIT):
            raise refuse("invalid_parameter", f"`limit` is a number from 1 to {MAX_LIMIT}", place="limit")
        return int(given)

    def whole_number(self, name: str, *, least: int = 0) -> int | None:
        """The parameter as a number; None where it is not given."""
        given = self.query.get(name)
        if given is None:
            return None
        if not (given.isascii() and given.isdigit() and len(given) < 19 and int(given) >= least):
            raise refuse("invalid_parameter", f"`{name}` is a whole number from {least} on", place=name)
        return int(given)

    def expected_version(self) -> int | None:
        """The version of the account that `If-Match` names; None where it names none, or any (`*`)."""
        given = self.headers.get("if-match")
        if given is None or given.strip() == "*":
            return None
        text = given.strip().removeprefix("W/").strip('"')
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            raise refuse(
                "invalid_header", 'If-Match is the ETag of an account, such as "7"', place="If-Match"
            )
        return int(text)

    def _number(self, name: str, otherwise: float, most: float) -> float:
        given = self.query.get(name)
        if given is None:
            return otherwise
        try:
            number = float(given)
        except ValueError:
            number = -1.0
        if not 0.0 <= number <= most:
            raise refuse("invalid_parameter", f"`{name}` is a number of seconds, up to {most:g}", place=name)
        return number


def etag(version: int | None) -> dict[str, str]:
    """The header that names the account's version."""
    return {} if version is None else {"ETag": f'"{version}"'}


def language_of(accepted: str | None) -> Language:
    """The language that is understood best, of those that there are: the first of `Accept-Language` by its
    weights; English where it names none of them."""
    best: tuple[float, Language] = (0.0, "en")
    for choice in (accepted or "")[:200].split(","):
        name, _, weight = choice.strip().partition(";q=")
        try:
            q = float(weight) if weight else 1.0
        except ValueError:
            continue
        found: Literal["en", "fr"] | None = None
        if name.lower().split("-")[0] in ("en", "*"):
            found = "en"
        elif name.lower().split("-")[0] == "fr":
            found = "fr"
        if found is not None and q > best[0]:
            best = (q, found)
    return best[1]


def page(items: list[Any], following: str | None) -> dict[str, Any]:
    """A list as it is answered."""
    return {"items": items, "next": following}
