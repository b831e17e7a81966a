"""No password is ever printed: not by a message, not by a log, not by a representation."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from domain.errors import InvalidInput
from prorata.cli.terminal.streams import ErrorStream
from prorata.redaction import redacted
from prorata.settings import Settings
from publishing.clients import SecuredBroker, to
from service.secret_files import SECRETS, with_secret_files

SECRET = "tr0ub4dor&3"
URL = f"postgresql://relay:{SECRET.replace('&', '%26')}@127.0.0.1:1/prorata"


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://u:p@ss w@h/db".replace(" w", ""),
        "SASL_PLAINTEXT://u:secretish@broker:9092",
        "host=h password=secretish dbname=x",
        "host=h password = 'secret ish' dbname=x",
        "sasl_plain_password=secretish",
        "Authorization: Bearer secretish.abc-d",
        "sk_live_secretish",
        "whsec_secretish",
    ],
)
def test_what_looks_like_a_secret_is_hidden_wherever_it_came_from(text: str) -> None:
    shown = redacted(text, {})
    assert "secret" not in shown
    assert "p@ss" not in shown
    assert "***" in shown


@pytest.mark.parametrize("name", SECRETS)
def test_each_secret_of_the_environment_is_hidden_by_itself_and_from_its_file(
    name: str, tmp_path: Path
) -> None:
    value = URL if name.endswith("_URL") else SECRET
    (tmp_path / "secret").write_text(f"{value}\n")
    for environment in ({name: value}, {f"{name}_FILE": str(tmp_path / "secret")}):
        for form in (SECRET, SECRET.replace("&", "%26"), repr(SECRET)):
            shown = redacted(f"the server said {form}!", environment)
            if form != SECRET.replace("&", "%26") or name.endswith("_URL"):
                assert "tr0ub4dor" not in shown, (environment, form)


def test_other_words_stay() -> None:
    text = "the database does not answer (PRORATA_DATABASE_URL): no password supplied: connection to server"
    assert redacted(text, {"PRORATA_DATABASE_URL": "postgresql://prorata@h/db"}) == text


def test_stderr_hides_them_whoever_writes_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRORATA_KAFKA_PASSWORD", SECRET)
    written = io.BytesIO()
    stream = ErrorStream(written, encoding="utf-8")
    print(f"a library's debug line with {SECRET}", file=stream, flush=True)
    assert written.getvalue() == b"a library's debug line with ***\n"


def test_settings_and_brokers_show_no_secret() -> None:
    settings = Settings.of(
        {
            "PRORATA_DATABASE_URL": URL,
            "PRORATA_KAFKA_PROTOCOL": "SASL_SSL",
            "PRORATA_KAFKA_MECHANISM": "PLAIN",
            "PRORATA_KAFKA_USER": "relay",
            "PRORATA_KAFKA_PASSWORD": SECRET,
            "PRORATA_API_SECRET": SECRET * 2,
        }
    )
    assert "tr0ub4dor" not in f"{settings!r}{settings}{settings.broker!r}{settings.broker}"
    assert to(settings.broker)["sasl_plain_password"] == SECRET


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PRORATA_DATABASE_URL", "postgresql://u:tr0ub%dor@h/db"),
        ("PRORATA_DATABASE_URL", 'postgresql://u:tr0ub"%d"or@h/db'),
        ("PRORATA_DATABASE_URL", "postgresql://u:tr0ub@dor@h/db"),
        ("PRORATA_DATABASE_URL", "postgresql://u:tr0ub/dor@h/db"),
        ("PRORATA_DATABASE_URL", "postgresql://u:x@h/db?tr0ub=1"),
        ("PRORATA_TEST_GATEWAY_URL", "tr0ub4dor"),
        ("PRORATA_KAFKA", "SASL_PLAINTEXT://u:tr0ub4dor@broker:9092"),
        ("PRORATA_KAFKA", "u:tr0ub4dor@broker:9092"),
        ("PRORATA_API_SECRET", "tr0ub4dor"),
    ],
)
def test_a_setting_that_is_refused_is_not_repeated(variable: str, value: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Settings.of({variable: value})
    assert refused.value.place == variable
    assert "tr0ub" not in str(refused.value)


def test_a_secret_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("two words \n")
    given = {"PRORATA_DATABASE_PASSWORD_FILE": str(tmp_path / "password")}
    assert "password='two words '" in Settings.of(given).database_url
    assert with_secret_files(given)["PRORATA_DATABASE_PASSWORD"] == "two words "


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"PRORATA_API_SECRET_FILE": "/nowhere/at/all"}, "PRORATA_API_SECRET_FILE"),
        ({"PRORATA_API_SECRET_FILE": "/dev/null"}, "PRORATA_API_SECRET_FILE"),
        ({"PRORATA_API_SECRET_FILE": "/x", "PRORATA_API_SECRET": "y"}, "PRORATA_API_SECRET_FILE"),
        (
            {"PRORATA_DATABASE_URL": "postgresql://u:p@h/d", "PRORATA_DATABASE_PASSWORD": "q"},
            "PRORATA_DATABASE_PASSWORD",
        ),
    ],
)
def test_a_secret_that_cannot_be_read_or_is_given_twice_is_refused(given: dict[str, str], place: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Settings.of(given)
    assert (refused.value.code, refused.value.place) == ("invalid_setting", place)


LOGIN = {
    "PRORATA_KAFKA_PROTOCOL": "SASL_SSL",
    "PRORATA_KAFKA_MECHANISM": "SCRAM-SHA-512",
    "PRORATA_KAFKA_USER": "relay",
    "PRORATA_KAFKA_PASSWORD": SECRET,
}


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"PRORATA_KAFKA_PROTOCOL": "TLS"}, "PRORATA_KAFKA_PROTOCOL"),
        ({"PRORATA_KAFKA_PROTOCOL": "SSL"}, "PRORATA_KAFKA_PROTOCOL"),
        ({"PRORATA_KAFKA_MECHANISM": ""}, "PRORATA_KAFKA_MECHANISM"),
        ({"PRORATA_KAFKA_USER": ""}, "PRORATA_KAFKA_USER"),
        ({"PRORATA_KAFKA_PASSWORD": ""}, "PRORATA_KAFKA_PASSWORD"),
        ({"PRORATA_KAFKA_MECHANISM": "OAUTHBEARER"}, "PRORATA_KAFKA_TOKEN"),
        (
            {"PRORATA_KAFKA_MECHANISM": "OAUTHBEARER", "PRORATA_KAFKA_TOKEN": "no.such:function"},
            "PRORATA_KAFKA_TOKEN",
        ),
        ({"PRORATA_KAFKA_CA": "/nowhere/ca.pem"}, "PRORATA_KAFKA_CA"),
        ({"PRORATA_KAFKA_KEY": __file__}, "PRORATA_KAFKA_CERTIFICATE"),
        (
            {"PRORATA_KAFKA_CA": __file__, "PRORATA_KAFKA_PROTOCOL": "SASL_PLAINTEXT"},
            "PRORATA_KAFKA_PROTOCOL",
        ),
    ],
)
def test_settings_of_the_broker_that_do_not_go_together_are_refused(
    changed: dict[str, str], place: str
) -> None:
    assert Settings.of(LOGIN).broker == SecuredBroker(
        "127.0.0.1:9092", "SASL_SSL", "SCRAM-SHA-512", "relay", SECRET
    )
    with pytest.raises(InvalidInput) as refused:
        Settings.of(LOGIN | changed)
    assert (refused.value.code, refused.value.place) == ("invalid_setting", place)
