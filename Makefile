# Prorata's commands. `make test` and `make demo` need nothing but Python 3.11 or later, on Linux.

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
SERVERS := $(BIN)/python -m scripts.servers
# Further arguments of the last command, such as make test ARGS="tests/unit -x".
ARGS ?=

MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:
.PHONY: help setup test check test-secured test-pages test-stripe-mock demo pages screenshots prove prove-imports mutate chaos chaos-log chaos-service soak api fuzz-api contract lint format lock sbom servers clean

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 18

# Byte code of our own is made here, since not every environment lets Python keep it as it imports: half of a command's start.
setup: $(INSTALLED) ## build .venv from requirements.lock
	@$(BIN)/python -m compileall -q domain eventlog projections service publishing consumers prorata scripts

$(INSTALLED): requirements.lock pyproject.toml scripts/bootstrap.sh
	@scripts/bootstrap.sh
	@touch $@

# The servers' files are in memory where there is room: no test takes the machine's power.
test: lint ## check everything, and run all tests against real servers (ARGS="...": for pytest)
	@$(SERVERS) run --in-memory --setting max_wal_size=512MB -- $(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

# Each process as its own user with the least that it needs, here and at the broker (prorata topics --acls).
SECURED := tests/integration/publishing tests/integration/consumers tests/integration/service tests/integration/projections \
	tests/integration/servers/test_secured.py tests/acceptance/test_secrets_in_no_output.py tests/acceptance/test_relay_to_cache.py \
	tests/acceptance/test_status.py tests/acceptance/test_finance_command_line.py
test-secured: setup ## relay, consumers, projector and service against a broker and a database with TLS, passwords and ACLs
	@$(SERVERS) run --secured --in-memory --setting max_wal_size=512MB -- $(BIN)/python -m pytest -n 3 --dist worksteal $(SECURED) $(ARGS)

# Some 12 minutes of tests, then short runs of what looks for faults by itself, each by a fixed seed.
check: ## all tests, also those that need a browser, Go or secured servers, and short runs of chaos and fuzz
	@$(MAKE) test
	@$(MAKE) test-secured
	@$(MAKE) test-pages
	@$(MAKE) test-stripe-mock
	@$(MAKE) chaos-service KILLS=15 SEED=5 MINUTES=3
	@$(MAKE) chaos KILLS=10 SEED=3 MINUTES=3
	@$(MAKE) fuzz-api ARGS="--plays 5 --examples 5 --seed 1 --at-least 10000"

demo: setup ## the whole system at work, on real servers
	@$(SERVERS) run -- $(BIN)/prorata demo

# Further arguments: ARGS="--port 9000".
pages: setup ## the pages with demo data, kept up until Ctrl-C
	@$(SERVERS) run --only postgres -- $(BIN)/python -m scripts.pages $(ARGS)

# The browser: PRORATA_CHROMIUM, else one on the path, else Debian's (as root). Its driver is locked by itself.
BROWSER := $(VENV)/browser
$(BROWSER): $(INSTALLED) requirements-browser.lock
	@$(BIN)/uv pip install --quiet --require-hashes --only-binary :all: --no-deps --requirement requirements-browser.lock
	@touch $@

test-pages: setup $(BROWSER) ## drive a real Chromium through the pages (ARGS="...": for pytest)
	@$(SERVERS) run --only postgres --in-memory -- $(BIN)/python -m pytest --override-ini testpaths=tests/browser tests/browser $(ARGS)

screenshots: setup $(BROWSER) ## pictures of each page, wide and on a phone, into screenshots/
	@$(SERVERS) run --only postgres --in-memory -- $(BIN)/python -m scripts.screenshots $(ARGS)

# Further arguments: ARGS="--histories 20000 --seed 7".
prove: setup ## 100,000 random histories against the reference model of the rules
	@$(BIN)/python -m scripts.prove --histories 100000 --workers 2 $(ARGS)

# It needs Go, which builds stripe-mock once.
test-stripe-mock: setup ## the Stripe adapter's requests against Stripe's own description of its API
	@$(SERVERS) run --only postgres --in-memory -- $(BIN)/python -m scripts.stripe_mock

prove-imports: setup ## a year of 1,000 accounts taken over from elsewhere beside the same ones opened here
	@$(BIN)/python -m scripts.prove_imports --accounts 1000 $(ARGS)

# Further arguments: ARGS="--sample 600 --seed 7" or ARGS="--module plans".
mutate: setup ## change domain/ in thousands of ways, one at a time, and see some test fail on each
	@$(BIN)/python -m scripts.mutate $(ARGS)

# make chaos-log KILLS=100 SEED=7 MINUTES=20: no kill begins after so many minutes.
chaos-log: KILLS ?= 100
chaos-log: SEED ?= 1
chaos-log: MINUTES ?= 20
chaos-log: setup ## kill writers, projectors, rebuilders and PostgreSQL, then check everything
	@$(BIN)/python -m scripts.chaos log --kills $(KILLS) --seed $(SEED) --minutes $(MINUTES)

# make chaos-service KILLS=150 SEED=1, likewise.
chaos-service: KILLS ?= 150
chaos-service: SEED ?= 1
chaos-service: MINUTES ?= 20
chaos-service: setup ## kill, pause and cut off servers, commands, billing runs and the gateway, then check everything
	@$(BIN)/python -m scripts.chaos service --kills $(KILLS) --seed $(SEED) --minutes $(MINUTES)

# make chaos KILLS=40 SEED=7, likewise.
chaos: KILLS ?= 40
chaos: SEED ?= 7
chaos: MINUTES ?= 20
chaos: setup ## kill, pause and cut off relays, consumers, PostgreSQL and the broker, then check everything
	@$(BIN)/python -m scripts.chaos broker --kills $(KILLS) --seed $(SEED) --minutes $(MINUTES)

api: setup ## write the description of the HTTP API, with examples that the real code makes
	@$(SERVERS) run --only postgres -- $(BIN)/python -m scripts.api

# Accounts live four years in minutes here: 5 seconds are to them what weeks are elsewhere, so vacuum still looks seldom.
# Further arguments: ARGS="--events 100000 --every 20000".
soak: setup ## a million events, and what a row of each read model takes meanwhile
	@$(SERVERS) run --only postgres --setting autovacuum_naptime=5s -- $(BIN)/python -m scripts.soak $(ARGS)

# Further arguments: ARGS="--plays 5 --examples 5 --seed 7 --at-least 10000".
fuzz-api: setup ## 20,000 requests to the HTTP API, each answer held against its description
	@$(SERVERS) run --only postgres --in-memory -- $(BIN)/python -m scripts.api.fuzz $(ARGS)

contract: setup ## write what follows from the code into publishing/ (ARGS=--release: and keep the schemas)
	@$(BIN)/python -m scripts.contract $(ARGS)

lint: setup ## formatting, style, types, and who imports whom
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet
	$(BIN)/mypy --no-error-summary
	$(BIN)/lint-imports --no-logo

format: setup ## format the code, and mend what can be mended
	$(BIN)/ruff check --quiet --fix
	$(BIN)/ruff format --quiet

# Without addresses, since everyone's index is their own.
lock: setup ## make requirements.lock follow pyproject.toml (ARGS=--upgrade: to the newest that it allows)
	$(BIN)/uv pip compile --quiet $(ARGS) --universal --all-extras --generate-hashes --only-binary :all: \
		--no-emit-index-url --no-annotate --no-header --output-file requirements.lock pyproject.toml
	@$(BIN)/uv pip compile --quiet $(ARGS) --universal --group browser --generate-hashes --only-binary :all: \
		--no-emit-index-url --no-annotate --no-header --output-file requirements-browser.lock
	@$(BIN)/python -m scripts.supply notice
	@! grep -n '://' requirements.lock requirements-browser.lock || { echo 'a lock holds an address' >&2; exit 1; }

sbom: setup ## the bill of materials of all that is locked (CycloneDX): build/sbom.cdx.json
	@mkdir -p build
	@$(BIN)/python -m scripts.supply sbom > build/sbom.cdx.json
	@echo build/sbom.cdx.json

servers: setup ## PostgreSQL and Kafka until Ctrl-C, for a second terminal
	@$(SERVERS) up

clean: ## remove what was built here (the cache in ~/.cache/prorata stays)
	rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
