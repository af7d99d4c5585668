# `make help` lists the targets. Every target does its own set-up.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT ?= 3000
TEST_WORKERS ?= 2
# What decides and bills: every line and branch of it is run by a test.
CORE := '*/ctv_ads/domain/*,*/ctv_ads/decisioning/*,*/ctv_ads/vast/*,*/adapters/postgres/beacon_ledger.py,*/adapters/postgres/delivery_counts.py,*/adapters/postgres/ledger*.py'
VENV := .venv
BIN := $(VENV)/bin
EMULATOR := .venv-emulator
# Third parties' VAST clients, which the tests run under Node.
CLIENTS := tests/clients
export PORT
# uv trusts what this machine trusts, such as a company's proxy.
export UV_SYSTEM_CERTS ?= true

# --- set-up ------------------------------------------------------------------------------------
$(BIN)/uv: requirements/bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; say which with PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@touch $@

$(VENV)/.ready: $(BIN)/uv requirements/dev.txt pyproject.toml
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(EMULATOR)/.ready: $(BIN)/uv requirements/emulator.txt
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(EMULATOR)
	$(BIN)/uv pip sync --quiet --python $(EMULATOR)/bin/python --require-hashes requirements/emulator.txt
	@touch $@

# Scripts of packages do not run; nothing of them is needed.
$(CLIENTS)/node_modules/.ready: $(CLIENTS)/package-lock.json
	@command -v npm >/dev/null || { echo "Node.js 20 or newer, with npm, is needed for the tests"; exit 1; }
	npm ci --prefix $(CLIENTS) --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: setup
setup: $(VENV)/.ready $(EMULATOR)/.ready ## Make the virtual environments (every target does this itself)

# --- run ---------------------------------------------------------------------------------------
.PHONY: run
run: setup ## Start the whole product on http://localhost:$(PORT) and stay
	@exec $(BIN)/python -m local run

.PHONY: reset
reset: setup ## Delete this machine's data (.local/)
	@$(BIN)/python -m local reset

.PHONY: migrate
migrate: setup ## Bring this machine's database schema up to date (make run does it too)
	@$(BIN)/python -m local.migrate up

.PHONY: migrate-down
migrate-down: setup ## Take the newest migration back, or all after TO=NNNN
	@$(BIN)/python -m local.migrate down $(if $(TO),--to $(TO))

.PHONY: verify-ledger
verify-ledger: setup ## Audit the books: recount every invoice line, check every hash (STRICT=1: fail if a day cannot be)
	@$(BIN)/python -m local.ledger verify $(if $(STRICT),--strict)

.PHONY: redrive
redrive: setup ## Send dead letters back to their queue (QUEUE=ad-events) and say why they were refused
	@$(BIN)/python -m local.redrive $(QUEUE)

.PHONY: replay
replay: setup ## Explain a decision of the running product and make it again (DECISION=<id>)
	@$(BIN)/python -m local.replay "$(DECISION)"

.PHONY: rebuild-statistics
rebuild-statistics: setup ## Count events anew (FIRST=2026-11-01, LAST=<day>, FROM_ARCHIVE=1) in the running product
	@$(BIN)/python -m local.statistics $(FIRST) $(LAST) $(if $(FROM_ARCHIVE),--from-archive)

# --- check -------------------------------------------------------------------------------------
.PHONY: check
check: setup ## Formatting, lint, types, import rules, dependencies, OpenAPI drift
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/ty check cdk app.py tests/cdk --python $(VENV)
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/python -m local.openapi --check

.PHONY: format
format: setup ## Format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: clients
clients: $(CLIENTS)/node_modules/.ready ## Install the VAST clients that the tests run (make test does it too)

.PHONY: test
test: check clients ## Everything: check, then all tests against real PostgreSQL, Valkey and the AWS emulator
	$(BIN)/pytest -n $(TEST_WORKERS) --dist loadgroup --cov --cov-report= --cov-fail-under=95
	$(BIN)/coverage report --skip-covered --fail-under=100 --include=$(CORE)

.PHONY: fuzz
fuzz: setup ## Hold the running API to its OpenAPI document with many examples (FUZZ_EXAMPLES=500)
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-500} $(BIN)/pytest tests/end_to_end/test_api_contract.py

.PHONY: faults
faults: setup ## Money and events under fault, long, and every planted bug (FAULT_EXAMPLES=300)
	FAULT_EXAMPLES=$${FAULT_EXAMPLES:-300} $(BIN)/pytest -n0 tests/faults

.PHONY: bench
bench: setup ## Measure: figures and ratios taken in one run, also in build/bench/ (ONLY=decisions: one part)
	@$(BIN)/python -m local.bench $(ONLY)

# --- AWS ---------------------------------------------------------------------------------------
.PHONY: layer
layer: setup ## Build the dependencies layer for Lambda (arm64), without Docker
	rm -rf layers/dependencies/python
	$(BIN)/uv pip install --quiet --python $(BIN)/python --python-platform aarch64-manylinux_2_28 \
	  --python-version 3.13 --only-binary :all: --no-compile-bytecode --require-hashes \
	  --target layers/dependencies/python -r requirements/layer.txt

.PHONY: synth
synth: setup layer ## Synthesize the CDK stacks into cdk.out/, offline
	$(BIN)/python app.py

# --- upkeep ------------------------------------------------------------------------------------
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock"
.PHONY: lock
lock: $(BIN)/uv ## Pin the newest dependencies that pyproject.toml allows, with hashes
	$(LOCK) pyproject.toml -o requirements/layer.txt
	$(LOCK) pyproject.toml --group dev -o requirements/dev.txt
	$(LOCK) --group emulator -o requirements/emulator.txt

.PHONY: openapi
openapi: setup ## Write the OpenAPI document from the routes
	$(BIN)/python -m local.openapi

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12
