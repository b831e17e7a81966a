"""The settings: one typed object, read from environment variables with the prefix PRORATA_; the defaults
run."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from domain.errors import InvalidInput, decoder_said
from prorata.broker_settings import Mechanism, Protocol, check_broker
from service.secret_files import with_secret_files

if TYPE_CHECKING:
    from publishing.clients import SecuredBroker


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Each field is the environment variable of its name: `database_url` is PRORATA_DATABASE_URL."""

    database_url: str = "postgresql://prorata@127.0.0.1:5432/prorata"
    """The PostgreSQL database of the log, the read models and the test gateway. What it says of TLS holds for
    every connection: `?sslmode=verify-full&sslrootcert=/etc/prorata/ca.pem`."""

    database_password: str | None = None
    """The password of `database_url`'s user, so that the address can stand where many read it."""

    kafka: str = "127.0.0.1:9092"
    """Bootstrap servers of the broker: host:port, separated by commas."""

    kafka_protocol: Protocol = "PLAINTEXT"
    """How the broker is spoken to: in the open, or with TLS (SSL), and whether it asks who we are (SASL)."""

    kafka_mechanism: Mechanism | None = None
    """How we prove who we are, where the protocol has SASL."""

    kafka_user: str | None = None
    """The user's name at the broker."""

    kafka_password: str | None = None
    """The user's password at the broker."""

    kafka_token: str | None = None
    """`module:function` that returns a bearer token, for OAUTHBEARER: called at each connection."""

    kafka_ca: str | None = None
    """The file (PEM) of the authorities that the broker's certificate is checked by; default: the
    machine's."""

    kafka_certificate: str | None = None
    """The file (PEM) of our own certificate, where the broker asks for one."""

    kafka_key: str | None = None
    """The file (PEM) of its key; default: it is in the certificate's file."""

    kafka_key_password: str | None = None
    """The password of that key, if it has one."""

    kafka_prefix: str = ""
    """Prefix of every topic's name, so that several environments can share a broker."""

    recover_after: float = 10.0
    """Seconds after which a payment without an answer is taken over: longer than any live process waits
    for the gateway."""

    clock_limit: float = 60.0
    """Seconds by which this machine's clock may be ahead of the database's, and for a relay of the broker's;
    beyond that nothing is billed or published. NTP keeps clocks much closer together."""

    expected: str | None = None
    """The processes that should run here, such as `bill,project,relay,consume:entitlement_cache`, or `none`:
    `prorata status` tells when one does not. Default: the first three, and every other one that has announced
    itself here."""

    health_port: int | None = None
    """Port at which a long-running process answers /healthz and /readyz (`--health`); default: none."""

    listen: str = "127.0.0.1"
    """Address at which metrics and health are served; by default only this machine can ask."""
    test_clocks: Literal["allowed", "refused"] = "allowed"
    """Whether accounts may live on a test clock (R97). Where money is real, refuse them: none is opened, and
    none that there is gets a command or is billed."""

    public_url: str | None = None
    """The address of `prorata serve` as browsers reach it, such as `https://billing.example`: links begin
    with it. Default: as the caller reached it, over http."""

    return_urls: str = ""
    """Origins, separated by commas, that a customer's pages may lead back to, such as `https://shop.example`;
    default: none."""

    sign_in_secret: str | None = None
    """The secret, at least 32 characters, that a company's own sign-in signs links to customers' pages with
    (docs/pages.md); default: none, and no signed link opens anything."""

    frame_ancestors: str = ""
    """Origins, separated by commas, whose pages may show the customer's pages in a frame: of the same site,
    since browsers give the session's cookie to no other; default: none."""

    pages_theme: str | None = None
    """A folder with the company's `theme.css`, which sets the pages' CSS variables, and its logo (`logo.svg`,
    `.png` or `.webp`); default: Prorata's own look."""

    card_element: str | None = None
    """The address of the test gateway's card element as browsers reach it (`prorata card-element`), such as
    `http://127.0.0.1:8081`: of another origin than the pages. Default: none, and nothing can be paid
    there."""

    webhook_networks: str = ""
    """Networks, separated by commas, whose hosts webhooks may be sent to although they are not of the
    internet, also without TLS, such as `10.0.0.0/8`; default: none, so that nobody reaches by an endpoint's
    address what only this machine can."""

    persons_key: str | None = None
    """The file of the key that billing details are sealed by (`prorata persons key`); default: none, and no
    details can be given."""

    retention_years: Annotated[int, Meta(ge=0, le=100)] = 10
    """For how many years after that of its issue an invoice's or credit note's billing details are kept after
    an erasure, by the law of the seller's country (R93)."""

    api_secret: str | None = None
    """The key of the hashes by which API keys are found, at least 16 characters; another one makes all keys
    unknown. Default: one that the database keeps."""

    api_rate: int = 10_000
    """Requests a second that an API key may make, on average of some seconds; above that it has to
    wait."""

    gateway: str = "test"
    """The payment provider of accounts on the wall clock: `test` (the test gateway, which charges nobody),
    `stripe`, or `module:factory`, a `service.gateways.port.GatewayFactory`."""

    gateway_in_flight: Annotated[int, msgspec.Meta(ge=1)] = 1_000
    """Charges that a billing run has under way at once."""

    gateway_per_second: float | None = None
    """Charges a second that a billing run asks of the payment provider at most; default: as fast as it takes
    them. Each process has its own measure."""

    allow_test_gateway: bool = False
    """Whether the test gateway serves accounts on the wall clock, to try Prorata out (`1`)."""

    test_gateway_url: str | None = None
    """The PostgreSQL database of the test gateway's books, as if it were a provider of its own; default: that
    of `database_url`."""

    log_format: Literal["text", "json"] = "text"
    """How log lines on stderr are written: for people, or as JSON."""

    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    """The lowest level that is written; `info` has a line for each command and billing step."""

    def __repr__(self) -> str:
        return "Settings(…)"  # they hold secrets

    @property
    def broker(self) -> SecuredBroker:
        """Where the broker is, and how our clients prove who they are."""
        from publishing.clients import SecuredBroker

        return SecuredBroker(
            self.kafka,
            self.kafka_protocol,
            self.kafka_mechanism,
            self.kafka_user,
            self.kafka_password,
            self.kafka_token,
            self.kafka_ca,
            self.kafka_certificate,
            self.kafka_key,
            self.kafka_key_password,
        )

    @property
    def expected_names(self) -> tuple[str, ...] | None:
        """The names in `expected`; None if it is not set."""
        if self.expected is None:
            return None
        return tuple(name.strip() for name in self.expected.split(",") if name.strip())

    @classmethod
    def of(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """The settings in the environment (default: the process's).

        Raises InvalidInput `invalid_setting`, which names the variable.
        """
        given = with_secret_files(os.environ if environment is None else environment)
        names = {_variable(name): name for name in cls.__struct_fields__}
        found = {name: given[variable] for variable, name in names.items() if given.get(variable)}
        try:
            settings = msgspec.convert(found, cls, strict=False)
        except msgspec.ValidationError as error:
            message, place = decoder_said(error)
            raise InvalidInput("invalid_setting", _variable(place.removeprefix("$.")), message) from None
        _check_addresses(settings)
        check_broker(settings)
        settings = _with_password(settings)
        _check_processes(settings)
        _check_gateway(settings)
        if not is_prefix(settings.kafka_prefix):
            reason = f"{settings.kafka_prefix!r} {NO_PREFIX}"
            raise InvalidInput("invalid_setting", "PRORATA_KAFKA_PREFIX", reason)
        return settings


MIN_SECRET = 16
"""Characters of the secret of API keys."""

MIN_SIGN_IN_SECRET = 32
"""Characters of the secret that links are signed with: whoever guesses it signs in as anybody."""

NO_PREFIX = "cannot begin a topic's name: letters, digits and . _ - can"


def is_prefix(text: str) -> bool:
    """Whether a topic's name may begin with this text."""
    return re.fullmatch(r"[A-Za-z0-9._-]{0,100}", text) is not None


def _variable(name: str) -> str:
    return f"PRORATA_{name.upper()}"


def _check_processes(settings: Settings) -> None:
    from prorata.processes.expected import NOTHING, is_name

    names = settings.expected_names or ()
    for name in names:
        if not is_name(name) and names != (NOTHING,):
            reason = f"{name!r} is no process (such as bill, project, relay, consume:entitlement_cache)"
            raise InvalidInput("invalid_setting", "PRORATA_EXPECTED", reason)
    if settings.api_secret is not None and len(settings.api_secret) < MIN_SECRET:
        reason = f"it has at least {MIN_SECRET} characters, and is random"
        raise InvalidInput("invalid_setting", "PRORATA_API_SECRET", reason)
    if settings.sign_in_secret is not None and len(settings.sign_in_secret) < MIN_SIGN_IN_SECRET:
        reason = f"it has at least {MIN_SIGN_IN_SECRET} characters, and is random"
        raise InvalidInput("invalid_setting", "PRORATA_SIGN_IN_SECRET", reason)
    if settings.api_rate < 1:
        raise InvalidInput("invalid_setting", "PRORATA_API_RATE", "at least one request a second is let in")
    if settings.health_port is not None and not 0 < settings.health_port < 65536:
        reason = f"{settings.health_port} is no port: 1 to 65535 are"
        raise InvalidInput("invalid_setting", "PRORATA_HEALTH_PORT", reason)


def _check_gateway(settings: Settings) -> None:
    if settings.gateway not in ("test", "stripe") and not re.fullmatch(r"[\w.]+:\w+", settings.gateway):
        reason = f"{settings.gateway!r} is no gateway: test, stripe, or module:factory"
        raise InvalidInput("invalid_setting", "PRORATA_GATEWAY", reason)
    if settings.gateway_per_second is not None and not settings.gateway_per_second > 0:
        reason = f"{settings.gateway_per_second} is no number of charges a second: more than 0 are"
        raise InvalidInput("invalid_setting", "PRORATA_GATEWAY_PER_SECOND", reason)


def _check_addresses(settings: Settings) -> None:
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    for name in ("database_url", "test_gateway_url"):
        try:
            parts = conninfo_to_dict(getattr(settings, name) or "")
        except ProgrammingError as error:
            # What libpq quotes may be a part of the password.
            said = re.sub(r'".*"', '"…"', str(error), flags=re.DOTALL)
            reason = f"no address of a database (such as postgresql://prorata@127.0.0.1:5432/prorata): {said}"
            raise InvalidInput("invalid_setting", _variable(name), reason.strip()) from None
        if "@" in str(parts.get("host", "")) or not str(parts.get("port", "0")).replace(",", "").isdecimal():
            # The next error would quote the rest of the password.
            reason = "host or port cannot be meant: in a password, @ is written %40, / %2F and : %3A"
            raise InvalidInput("invalid_setting", _variable(name), reason)
    for server in settings.kafka.split(","):
        if "@" in server or "://" in server:
            reason = (
                "host:port alone stand here: the rest is PRORATA_KAFKA_PROTOCOL, PRORATA_KAFKA_USER and "
                "PRORATA_KAFKA_PASSWORD"
            )
            raise InvalidInput("invalid_setting", "PRORATA_KAFKA", reason)
        host, _, port = server.strip().rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            reason = f"{server!r} is no broker's address (such as 127.0.0.1:9092)"
            raise InvalidInput("invalid_setting", "PRORATA_KAFKA", reason)


def _with_password(settings: Settings) -> Settings:
    """With the password of `database_password` in `database_url`, which all connections are made by."""
    if settings.database_password is None:
        return settings
    from psycopg.conninfo import conninfo_to_dict

    from eventlog.postgres.connect import with_password

    if conninfo_to_dict(settings.database_url).get("password"):
        reason = "PRORATA_DATABASE_URL has a password too: give one of them"
        raise InvalidInput("invalid_setting", "PRORATA_DATABASE_PASSWORD", reason)
    url = with_password(settings.database_url, settings.database_password)
    return msgspec.structs.replace(settings, database_url=url)
