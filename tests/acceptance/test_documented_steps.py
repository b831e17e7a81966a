"""What the documents tell developers to do is done, step by step, in a copy of the repository."""

from __future__ import annotations

from pathlib import Path

import msgspec
import psycopg
import pytest

from tests.support.command_line import OPEN, step
from tests.support.repository_copy import RepositoryCopy

CONTRACT = ["tests/contract/eventlog/test_event_samples.py", "tests/contract/publishing"]

READ_MODEL = '''
"""How many products each account holds (R44)."""

import msgspec

from projections.fold import ACCOUNT, Fold, one_for_each_account
from projections.tables import Projection, Table


class Holding(msgspec.Struct, frozen=True):
    account: str
    products: int
    version: int
    revision: int
    fold: int


def _read(at, fold):
    if at is None:
        return ()
    products = len(at.state.plans) + len(at.state.addons)
    return (Holding(at.account_id, products, at.state.version, at.position, fold),)


FOLD = Fold("holdings", 1, ACCOUNT, _read, one_for_each_account)
TABLE = Table.made_of(
    "holdings",
    {"account_id": 'text collate "C" not null', "products": "bigint not null"},
    key=("account_id",),
    rules={"": "R44"},
)


def _rows(holding):
    return ([msgspec.structs.astuple(holding)],)


PROJECTION = Projection(FOLD, (TABLE,), _rows)
'''


@pytest.fixture
def copy(tmp_path: Path) -> RepositoryCopy:
    """It may be changed."""
    return RepositoryCopy(tmp_path)


def test_a_version_of_an_event_is_added_by_the_documented_steps(copy: RepositoryCopy) -> None:
    _ask_who_removes(copy, "    asked_by: str\n")
    copy.change("domain/events.py", r"= dict\.fromkeys\(EVENT_TYPES, 1\)", r'\g<0> | {"addon_removed": 2}')
    copy.change(
        "eventlog/codec.py",
        r"(?P<name>UPCASTERS: [^\n]*) = \{",
        'def _who_asked(fields: dict[str, Any]) -> dict[str, Any]:\n'
        '    return {**fields, "asked_by": fields["command"]["role"]}\n\n\n'
        r'\g<name> = {("addon_removed", 1): _who_asked, ',
    )  # fmt: skip
    _finish_as_documented(copy)
    samples = copy.root / "tests" / "contract" / "eventlog" / "event_samples"
    lifted = msgspec.json.decode((samples / "addon_removed.v1.lifted.json").read_bytes())
    assert {event["asked_by"] for event in lifted.values()} == {"owner"}
    assert (samples / "addon_removed.v2.json").exists()


def test_an_optional_field_is_added_by_the_documented_steps(copy: RepositoryCopy) -> None:
    _ask_who_removes(copy, "    asked_by: str | None = None\n")
    _finish_as_documented(copy)


def _ask_who_removes(copy: RepositoryCopy, field: str) -> None:
    """The change that the tests make: who asked for the removal of an add-on."""
    copy.change("domain/events_of_addons.py", r"class AddonRemoved\(.*?    on: CivilDate\n", rf"\g<0>{field}")
    copy.change("domain/addons.py", r"e\.AddonRemoved\(", r"\g<0>asked_by=ctx.command.role, ")


def _finish_as_documented(copy: RepositoryCopy) -> None:
    """Run the commands that stand in the steps: before them tests fail, and after them none."""
    assert copy.failing("-x", *CONTRACT) != []
    commands = copy.documented("eventlog.md", "Adding a version of an event")
    assert [command.split()[0] for command in commands] == ["python", "make"]
    for command in commands:
        copy.run(command)
    assert copy.failing(*CONTRACT) == []


def test_a_change_that_would_break_subscribers_is_not_released(copy: RepositoryCopy) -> None:
    _ask_who_removes(copy, "    asked_by: str\n")
    with pytest.raises(
        AssertionError, match=r"addon_removed\.asked_by: is required.*raise the event's schema"
    ):
        copy.run("make contract ARGS=--release")
    kept = [folder.name for folder in (copy.root / "publishing/schemas/released").iterdir()]
    assert sorted(kept) == _releases()


def _releases() -> list[str]:
    from publishing import contract

    return sorted(folder.name for folder in contract.RELEASED.iterdir())


def test_a_read_model_is_added_by_its_module_and_one_rebuild(copy: RepositoryCopy, database_url: str) -> None:
    copy.environment["PRORATA_DATABASE_URL"] = database_url
    (copy.root / "projections" / "models" / "added" / "holdings.py").write_text(READ_MODEL)
    copy.prorata("migrate")
    bought = [OPEN, step("2026-03-20", "purchase_plan", product="standard")]
    copy.prorata("command", "--test-clock", given=_lines(*bought))
    copy.prorata("project", "--once")
    assert "0 differences; the rebuilt tables are live" in copy.prorata("rebuild", "holdings")
    also = step("2026-04-05", "purchase_addon", product="custom_domain")
    copy.prorata("command", "--test-clock", given=_lines(also))
    copy.prorata("project", "--once")
    with psycopg.connect(database_url) as connection:
        held = connection.execute("select account_id, products from projections.holdings").fetchall()
    assert held == [("main/a1", 2)]
    assert copy.failing("tests/unit/projections") == []


def _lines(*lines: object) -> str:
    return "".join(msgspec.json.encode(line).decode() + "\n" for line in lines)
