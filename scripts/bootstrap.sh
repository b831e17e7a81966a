#!/bin/sh
# Builds .venv from requirements.lock: exactly the locked packages, each checked against its hash, wheels only.
# May be run again at any time, also after an interruption. PYTHON=... chooses the interpreter (3.11 or later).
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "setup: $*"; }

usable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

if ! usable .venv/bin/python; then
    python=
    for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
        if usable "$candidate"; then python=$candidate && break; fi
    done
    [ -n "$python" ] || { say "Python 3.11 or later is needed; name one with PYTHON=/path/to/python3" >&2; exit 1; }
    say "creating .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv --without-pip .venv
fi

# uv itself comes from the lock too. Its own lines are cut out, since pip would otherwise install everything, slowly.
if ! .venv/bin/uv --version >/dev/null 2>&1; then
    say "installing uv"
    sed -n '/^uv==/,/[^\\]$/p' requirements.lock > .venv/uv.lock
    options="--quiet --disable-pip-version-check --require-hashes --only-binary :all: --requirement .venv/uv.lock"
    # The interpreter's own pip (22.3 or later) saves unpacking one into .venv; not every machine has it.
    python=$(.venv/bin/python -c 'import sys; print(sys._base_executable)')
    if ! "$python" -m pip --python .venv/bin/python install $options 2>/dev/null; then
        "$python" -m venv .venv || { say "neither pip nor ensurepip found; on Debian: apt install python3-venv" >&2; exit 1; }
        .venv/bin/python -m pip install $options
    fi
fi

# What benchmarks alone measure beside has no wheel for older systems: there it is left out.
lock=requirements.lock
if ! .venv/bin/python -c 'import platform, sys; name, version = platform.libc_ver()
sys.exit(name != "glibc" or tuple(map(int, version.split("."))) < (2, 34))'; then
    sed '/^umadb==/,/[^\\]$/d' requirements.lock > .venv/older.lock
    lock=.venv/older.lock
fi

say "installing $(grep -c '==' $lock) locked packages"
uv() { command .venv/bin/uv --quiet --no-progress "$@"; }
uv pip sync --python .venv/bin/python --require-hashes --only-binary :all: --compile-bytecode $lock
# The project itself: a link to this folder and the command `prorata`.
uv pip install --python .venv/bin/python --offline --no-deps --no-build-isolation --editable .
say "done"
