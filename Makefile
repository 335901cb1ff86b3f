# What there is to do here; `make` alone explains. Needs a POSIX shell, GNU make and Python 3.11 or later.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3; do \
	"$$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# Test files are spread over the processors; the tests of one file stay together and share their servers.
TESTS ?= tests
PYTEST_ARGS ?= --numprocesses=logical --dist=loadfile
SOAK_MINUTES ?= 15

.DEFAULT_GOAL := help
.PHONY: help demo test check format lint types contracts bench soak lock pictures snapshots clean

help:  ## Say what there is
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

demo: $(VENV)/.installed  ## Run the console on a simulated fleet and this machine
	@$(BIN)/tuiops --demo

test: $(VENV)/.developing  ## Run every test, on real servers
	$(BIN)/python -m pytest $(PYTEST_ARGS) $(TESTS)

check: lint types contracts test  ## Everything that must pass: format, lint, types, import contracts, tests

format: $(VENV)/.developing  ## Rewrite the source in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(VENV)/.developing  ## Check format and lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.developing  ## Check types
	$(BIN)/mypy

contracts: $(VENV)/.developing  ## Check what may import what
	$(BIN)/lint-imports

bench: $(VENV)/.developing  ## Measure speed, against peers where they can be had
	$(BIN)/python -m benchmarks

soak: $(VENV)/.developing  ## Run the console on real servers for SOAK_MINUTES (15); kill consoles that act
	$(BIN)/python -m benchmarks.soak --minutes $(SOAK_MINUTES)
	TEST_KILLS=100 TEST_CUTS=10 $(BIN)/python -m pytest -q -rP --numprocesses=logical --dist=loadfile \
		tests/runbooks/engine/test_crashes.py tests/runbooks/execution/test_kill.py \
		tests/runbooks/execution/test_cut.py tests/ledger/test_processes.py

pictures: $(VENV)/.developing  ## Draw the pictures of README and docs
	$(BIN)/python scripts/pictures.py

snapshots: $(VENV)/.developing  ## Accept what the console looks like as what it should look like
	$(BIN)/python -m pytest -q --snapshot-update tests/ui

lock: $(VENV)/.developing  ## Resolve the dependencies anew and pin them with their hashes
	$(PIP) install uv
	scripts/lock $(BIN)/uv

clean:  ## Remove whatever was built; downloaded test servers stay in the user's cache
	rm -rf $(VENV) dist .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache snapshot_report.html
	find tuiops tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "tuiops needs Python 3.11 or later with venv and ensurepip (Debian: apt-get install python3-venv)," \
			"and found none. Name one: make PYTHON=/path/to/python3" >&2; exit 1; fi
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements/run.lock pyproject.toml | $(VENV)/bin/python
	$(PIP) install --require-hashes --requirement requirements/run.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q tuiops
	@touch $@

$(VENV)/.developing: requirements/dev.lock $(VENV)/.installed
	$(PIP) install --require-hashes --requirement requirements/dev.lock
	@touch $@
