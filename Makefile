# Everything here works on a machine that has only Python (3.11 or newer) and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test test-slow test-bounds lint docs clean compiled

# Tests start many processes, which would each read all sources anew.
unexport PYTHONDONTWRITEBYTECODE

PYTEST := $(BIN)/python -m pytest -q --hypothesis-profile=ci -n auto

run: $(VENV)/.installed
	$(BIN)/perotwin reproduce --quick -o results/paper

# A process that is done takes over half of what another has left: none waits at the end.
test: compiled
	$(PYTEST) --dist worksteal

# By file: what these tests share within one takes too long to be made twice.
test-slow: compiled
	$(PYTEST) --dist loadfile -m "slow and not long"

# Once, before the tests: they run side by side, and each process would compile the same functions. A failure shows
# there too.
compiled: $(VENV)/.installed-dev
	-$(BIN)/python tests/support/compile_all.py

# No compiled function reads or writes past an array: half a minute, without compilation.
test-bounds: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -q -m bounds tests/test_bounds.py

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check src tests
	$(BIN)/mypy

# The documentation as a site in site/, every link between its pages checked.
docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --clean

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "perotwin needs Python 3.11 or newer; this is %d.%d. Say which to use: make PYTHON=python3.12 ..." % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)

# Stamps: pip runs again only when the list of dependencies has changed.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	@touch $@

# The caches of compiled functions go first: those outside src are found by the Python that made them.
clean:
	@if [ -x $(BIN)/python ]; then $(BIN)/python -c 'from perotwin.compiled import clear; clear()' || true; fi
	find src -name '*.nb[ic]' -exec rm -f {} +
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache
