# Everything that a fresh machine needs is installed into .venv by the target that needs it.
PYTHON ?= python3
BIN := .venv/bin
DEMO ?=

.PHONY: demo test lint bench soak docs install clean

demo: .venv/run
	$(BIN)/wattrig demo $(DEMO)

test: .venv/dev
	$(BIN)/pytest

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/dev
	for name in overhead energy sampling check; do $(BIN)/python -m bench.$$name || exit 1; done

# The full count of kills; prints the table that docs/ shows.
soak: .venv/dev
	$(BIN)/python -m bench.soak

docs: .venv/dev
	$(BIN)/python docs/generate.py --check
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html

install: .venv/run

.venv/run: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all]'
	@touch $@

.venv/dev: .venv/run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf .venv build docs/_build demo-out
