"""What docs/api.md shows works as it is written there, and its table of codes is the code's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec

from prorata.http.problems import STATUSES
from tests.support.http_api import Api

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
SERVER = "http://127.0.0.1:8080"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def run(line: list[str], api: Api) -> str:
    environment = os.environ | {"KEY": api.key("documented")}
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_calls_with_curl_lead_to_the_first_prorated_invoice(api: Api) -> None:
    starts, calls = blocks("sh")
    assert "prorata serve --port 8080" in starts
    told = run(["bash", "-ec", calls.replace(SERVER, api.url).replace("curl -s ", "echo; curl -sS ")], api)
    answers = [msgspec.json.decode(line) for line in told.splitlines() if line]
    opened, plan, preview, bought, invoice, may = answers
    assert [opened["outcome"], plan["charged"], preview["charged"]] == ["accepted", "20.00", "4.84"]
    assert [bought["charged"], invoice["total"], may["usable"]] == ["4.84", "4.84", True]


def test_the_program_with_httpx_prints_the_invoices_of_a_month(api: Api) -> None:
    [program] = blocks("python")
    told = run([sys.executable, "-c", program.replace(SERVER, api.url)], api).splitlines()
    assert told[0].startswith("4.84 Mission accomplished!")
    assert told[1:] == [
        "1 2026-03-20 20.00 paid",
        "2 2026-04-05 4.84 paid",
        "3 2026-04-20 30.00 paid",
    ]


def test_the_table_of_codes_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| (\d{3}) \| (.*) \|$", PAGE, re.MULTILINE)
    said = {code: int(status) for status, codes in rows for code in re.findall(r"`(\w+)`", codes)}
    assert said == STATUSES
