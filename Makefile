# Everything a developer types. `make` alone explains itself.
#
# Two commands set up a fresh machine: `make demo` and `make test`. Each creates .venv and installs what it needs, once;
# a stamp in .venv remembers it until pyproject.toml changes. Paths may hold spaces: everything is relative or quoted.

PYTHON ?= python3
SUITE ?= suites/basic.yaml
TESTS ?= tests

VENV := .venv/bin/python
PIP := $(VENV) -m pip --disable-pip-version-check install --quiet
PYTEST := $(VENV) -m pytest -n auto --dist worksteal

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.SUFFIXES:
.PHONY: help demo test test-all bench-quota bench-stopping bench-report lint types format schema docs clean

help: ## Explain every target
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile
	@echo
	@echo "  PYTHON=python3.13 make test   take another Python for .venv (3.11 or newer)"
	@echo "  make demo SUITE=my.yaml       run another suite"
	@echo "  make test TESTS=tests/suite   run a part of the tests"

demo: .venv/installed ## Run suites/basic.yaml against the built-in simulator: no key, no network
	@$(VENV) -m evalrun "$(SUITE)"

test: .venv/installed-test ## Run the default tests, at most 2 minutes on 2 cores
	@$(PYTEST) -m "not slow and not browser" "$(TESTS)"

test-all: .venv/installed-dev ## Run every test: the slow ones and those in Chromium too
	@$(PYTEST) "$(TESTS)"

bench-quota: .venv/installed-test ## Measure the quota engine against the best schedule: results/bench/quota.json
	@$(VENV) -m tests.bench.quota

bench-stopping: .venv/installed-test ## Measure what stopping early saves: results/bench/stopping.json
	@$(VENV) -m tests.bench.stopping

bench-report: .venv/installed-test ## Write the report of 100,000 cases × 4 columns, time it: results/bench/report.json
	@$(VENV) -m tests.bench.report

lint: .venv/installed-dev ## Check style and formatting with ruff
	@$(VENV) -m ruff check .
	@$(VENV) -m ruff format --check .

types: .venv/installed-dev ## Check types with mypy, strictly
	@$(VENV) -m mypy

format: .venv/installed-dev ## Format the code and mend what ruff can mend
	@$(VENV) -m ruff check --fix-only .
	@$(VENV) -m ruff format .

schema: .venv/installed ## Write the JSON Schema that editors read, evalrun/suite/suite.schema.json
	@$(VENV) -m evalrun schema > .venv/suite.schema.json
	@mv .venv/suite.schema.json evalrun/suite/suite.schema.json

docs: .venv/installed ## Write the suite reference, docs/suite.md, from that schema
	@$(VENV) -m evalrun schema --format markdown > .venv/suite.md
	@mv .venv/suite.md docs/suite.md

clean: ## Remove .venv, caches and builds; results/ stays
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .cache build dist *.egg-info
	@find evalrun tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV):
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "evalrun needs Python 3.11 or newer; $(PYTHON) is not that. Name another one: make PYTHON=python3.13 ..." >&2; \
	    exit 1; }
	@echo "making .venv with $$("$(PYTHON)" --version)"
	@"$(PYTHON)" -m venv .venv || { \
	    rm -rf .venv; echo "$(PYTHON) has no venv (Debian and Ubuntu: apt-get install python3-venv)" >&2; exit 1; }

.venv/installed: pyproject.toml | $(VENV)
	@echo "installing evalrun into .venv (about a minute, once)"
	@$(PIP) -e .
	@touch $@

.venv/installed-test: pyproject.toml | $(VENV)
	@echo "installing evalrun and what its tests need into .venv (about a minute, once)"
	@$(PIP) -e ".[test]"
	@touch $@ .venv/installed

.venv/installed-dev: pyproject.toml | $(VENV)
	@echo "installing evalrun and every developer's tool into .venv (about two minutes, once)"
	@$(PIP) -e ".[dev]"
	@touch $@ .venv/installed .venv/installed-test
