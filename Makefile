# Everything that a fresh machine needs is installed into .venv by the target that needs it.
PYTHON ?= python3
BIN := .venv/bin
DEMO ?=

.PHONY: demo test chromium lint bench soak docs install clean

demo: .venv/run
	$(BIN)/wattrig demo $(DEMO)

# Most tests wait more than they work, so several run at once; those that hold time, and energy under a load that changes,
# to the truth run alone. What fails is not tried again.
AT_ONCE ?= 6
test: .venv/dev chromium
	$(BIN)/pytest -n $(AT_ONCE) -m "not alone"
	$(BIN)/pytest -m alone

chromium:
	./tools/chromium.sh

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/dev chromium
	for name in overhead energy sampling page live check; do $(BIN)/python -m bench.$$name || exit 1; done

# The full counts; writes the page that docs/ shows.
soak: .venv/dev
	$(BIN)/python -m bench.soak --write docs/reference/soak.md

docs: .venv/dev
	$(BIN)/python docs/generate.py --check
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html
	$(BIN)/python docs/man.py docs/_build/man

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
