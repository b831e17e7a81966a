"""Threads that parse a catalogue and a line for the first time at once do not end the process."""

import subprocess
import sys

from tests.support.domain.catalogs import CATALOG_FILE

PROCESSES = 12

PARSING = """
import os, sys, threading
from domain.catalog import parse_catalog
from service.commands import parse_line

sys.setswitchinterval(1e-6)
data, together = open(sys.argv[1], "rb").read(), threading.Barrier(8)
line = b'{"do": "purchase_plan", "account": "a1", "product": "standard"}'

def parse():
    together.wait()
    parse_catalog(data)
    parse_line(line, "main", "wall")

for _ in range(int(sys.argv[2])):
    child = os.fork()  # in which nothing was parsed yet
    if child == 0:
        threads = [threading.Thread(target=parse) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
"""msgspec makes what it knows of a type at its first use, and crashes where several threads do so at once."""


def test_threads_that_parse_for_the_first_time_at_once_all_succeed() -> None:
    command = [sys.executable, "-c", PARSING, str(CATALOG_FILE), str(PROCESSES)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0"] * PROCESSES
