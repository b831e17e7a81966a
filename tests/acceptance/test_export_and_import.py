"""`prorata export events` and `prorata import events` move a log to another database."""

from __future__ import annotations

from pathlib import Path

from tests.support.command_line import OPEN, CommandLine, step
from tests.support.servers import SharedServers


def test_a_log_is_moved_to_another_database(
    database_url: str, servers: SharedServers, tmp_path: Path
) -> None:
    old, file = CommandLine(database_url), str(tmp_path / "log.jsonl")
    old("migrate")
    bought = step("2026-03-20", "purchase_plan", product="standard")
    assert old.commands(OPEN, bought).exit_code == 0
    assert old("export", "events", file).exit_code == 0
    assert old("export", "events").out == Path(file).read_text(encoding="utf-8")
    with servers.new_database() as url:
        new = CommandLine(url)
        new("migrate")
        said = new("import", "events", file, "--dry-run").out
        assert said.endswith("3 events of 1 accounts can be taken over; nothing was changed\n")
        assert new("import", "events", file).out.endswith("3 events of 1 accounts taken over\n")
        assert new("export", "events").out == old("export", "events").out
        assert new("verify").exit_code == 0
        refused = new("import", "events", file)
        assert (refused.exit_code, "log_not_empty" in refused.err) == (4, True)
        Path(file).write_text(Path(file).read_text("utf-8").replace("standard", "premium", 1), "utf-8")
        refused = new("import", "events", file)
        assert (refused.exit_code, "log_not_empty" in refused.err) == (4, True)
    with servers.new_database() as url:
        new = CommandLine(url)
        new("migrate")
        refused = new("import", "events", file)
        assert (refused.exit_code, "invalid_export" in refused.err, "line 3" in refused.err) == (
            2,
            True,
            True,
        )
