"""What a killed writer left unfinished is no entry, and hides none that comes after it."""

from pathlib import Path
from uuid import UUID

from scripts.chaos.journal import Journal, Lost, Sent, read, recent

SENT = Sent("raw/a", 0, (UUID(int=1), UUID(int=2)))
LOST = Lost((UUID(int=1), UUID(int=2)))


def test_entries_are_read_as_they_were_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.write(SENT)
    journal.write(LOST)
    assert list(read(tmp_path / "journal")) == recent(tmp_path / "journal") == [SENT, LOST]
    assert list(read(tmp_path / "none")) == []


def test_a_line_cut_short_is_no_entry_and_the_next_process_writes_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    Journal(path).write(SENT)
    whole = path.read_bytes()
    for length in range(len(whole) - 1):
        path.write_bytes(whole[:length])
        Journal(path).write(LOST)
        assert list(read(path)) == [LOST]
