# The commands a newcomer needs. `make help` lists them.
PY ?= python3
VENV := .venv
BIN := $(VENV)/bin
NPM := tests/browser
STAMP := $(VENV)/.installed
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup run test conformance check sdk npm bench bench-abuse bench-edge bench-eviction bench-swipe bench-swipe-sim screenshots lock fuzz clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

$(STAMP): requirements.lock
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Headstart needs Python 3.11 or later")'
	@echo "Installing into $(VENV), once; about a minute"
	@began=$$(date +%s) && $(PY) -m venv $(VENV) && \
	  $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
	  echo "Installed in $$(($$(date +%s) - began)) s" && touch $(STAMP)

setup: $(STAMP) ## environment and dependencies, from the lock file

run: $(STAMP) ## the whole stack with demo videos, and a URL to swipe
	@$(BIN)/python -m shared.cli up --demo $(ARGS)

test: $(STAMP) ## every test that can run here; says what it left out and why
	@$(BIN)/python -m pytest $(ARGS)

conformance: $(STAMP) ## HTTP caching, RFC by RFC: a table of sections
	@$(BIN)/python -m pytest tests/conformance --section-table -q -p no:randomly $(ARGS)

check: $(STAMP) ## ruff, mypy --strict, import-linter, tsc --strict
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@if [ -e $(NPM)/node_modules ]; then npm run --silent --prefix $(NPM) check; \
	  else echo "Left out: the player's type check (make npm; needs node and npm)"; fi

npm: $(NPM)/node_modules ## npm packages for tests: tsc, esbuild, the players of others

$(NPM)/node_modules: $(NPM)/package-lock.json
	@npm ci --silent --no-audit --no-fund --ignore-scripts --prefix $(NPM) && touch $@

sdk: $(NPM)/node_modules ## edge/player/headstart.js from edge/player/sdk
	@npm run --silent --prefix $(NPM) build

bench: $(STAMP) ## measurements; JSON with machine and commit in bench-results/
	@$(BIN)/python -m pytest $(if $(filter tests/%,$(ARGS)),,tests/bench) -m bench -p no:randomly --timeout 900 -s $(ARGS)

bench-edge: $(STAMP) ## the edge beside nginx, Varnish and a bare C server; ARGS=--quick for a look
	@$(BIN)/python -m tests.bench.edge $(ARGS)

bench-abuse: $(STAMP) ## hits while others attack: slow loris, disconnects, pipelining, 70 kB heads, queries
	@$(BIN)/python -m pytest tests/bench/edge/test_bench_abuse.py -m bench -p no:randomly --timeout 900 -s $(ARGS)

bench-eviction: $(STAMP) ## who leaves a full cache: miss ratios side by side; TRACE=file.csv for your own
	@$(BIN)/python -m tests.bench.eviction.run $(TRACE) $(if $(COLUMNS),--columns $(COLUMNS)) $(ARGS)

bench-swipe-sim: $(STAMP) ## what swipes wait, stall and waste: the planner beside other rules, simulated
	@$(BIN)/python -m tests.bench.swipe.run $(ARGS)

bench-swipe: $(STAMP) $(NPM)/node_modules ## Chromium on emulated links, ours beside hls.js, 64 minutes; ARGS=--quick for a look
	@$(BIN)/python -m tests.bench.swipe_browser.run $(ARGS)

fuzz: $(STAMP) ## any bytes against the edge for FUZZ_S=600 seconds
	@FUZZ_S=$(or $(FUZZ_S),600) $(BIN)/python -m tests.fuzz.run

screenshots: $(STAMP) ## the README's pictures, from a running demo in Chromium
	@$(BIN)/python tests/browser/screenshots.py $(ARGS)

lock: ## resolve requirements.lock anew from pyproject.toml
	@$(PY) -m venv $(VENV)-lock && $(VENV)-lock/bin/pip install --quiet pip-tools
	@$(VENV)-lock/bin/pip-compile --quiet --all-extras --strip-extras --generate-hashes --allow-unsafe \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host -o requirements.lock pyproject.toml
	@rm -rf $(VENV)-lock

clean: ## remove the demo's data; keeps the environment
	@rm -rf data bench-results
