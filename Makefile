# Two commands for a fresh checkout: `make search` and `make test`. Both make .venv first where it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: search test slow lint types check bench clean

search: $(VENV)/.installed
	$(BIN)/mixnas search --space splitmixer --objective acc,params

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2

slow: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m "slow and not ray" -n 2
	$(BIN)/python -m pytest -m "slow and ray"

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

check: lint types test

bench: $(VENV)/.installed-dev
	for file in tests/benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mixnas needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
