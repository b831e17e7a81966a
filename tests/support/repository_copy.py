"""A copy of the repository that a test may change, with the commands that developers run in it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".hypothesis", ".*cache")


class RepositoryCopy:
    """A copy in `folder`, which uses the environment that the tests run in."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "copy"
        shutil.copytree(ROOT, self.root, ignore=_LEFT_OUT)
        (self.root / ".venv").symlink_to(sys.prefix)
        given = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
        self.environment = given | {"PATH": f"{Path(sys.prefix, 'bin')}:{os.environ['PATH']}"}

    def change(self, path: str, pattern: str, replacement: str) -> None:
        """Replace the pattern's only match in the file."""
        file = self.root / path
        changed, count = re.subn(pattern, replacement, file.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert count == 1, f"{path}: {pattern} is there {count} times"
        file.write_text(changed, encoding="utf-8")

    def documented(self, page: str, section: str) -> list[str]:
        """The commands in the numbered steps of a section of the docs, verbatim."""
        text = (self.root / "docs" / page).read_text(encoding="utf-8")
        [body] = re.findall(rf"^## {re.escape(section)}\n(.*?)^## ", text, re.DOTALL | re.MULTILINE)
        steps = "\n".join(re.findall(r"^(?:\d\. |   )(.*)$", body, re.MULTILINE))
        return re.findall(r"`((?:python|make) [^`]+)`", steps)

    def run(self, command: str) -> None:
        """Run a developer's command, which has to succeed."""
        program, *arguments = shlex.split(command)
        if program == "make":  # the virtual environment exists already
            arguments = ["-o", ".venv/installed", *arguments]
        done = self._run(program, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr

    def prorata(self, *arguments: str, given: str = "") -> str:
        """Run the copy's command line, which has to succeed; return its output."""
        program = "import sys; from prorata.cli.main import main; sys.exit(main())"
        done = self._run("python", "-c", program, *arguments, given=given)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def failing(self, *tests: str) -> list[str]:
        """The names of the tests of the copy that fail, among these; with "-x" the first one."""
        done = self._run("python", "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", *tests)
        assert done.returncode in (0, 1), done.stdout + done.stderr
        return sorted(set(re.findall(r"^FAILED \S*::(\w+)", done.stdout, re.MULTILINE)))

    def _run(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            arguments,
            cwd=self.root,
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
