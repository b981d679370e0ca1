# The front door: `make demo`, `make up`, `make test`. Everything that is made stays in git-ignored folders here.
SHELL := /bin/bash
BIN := .venv/bin
PYTEST_ARGS ?= -n 2 --dist loadfile
.DEFAULT_GOAL := help
# Some environments forbid Python to keep what it has compiled (in __pycache__, which git does not see): compiling everything anew is
# almost half of what each start of a command or a worker of the tests costs.
export PYTHONDONTWRITEBYTECODE :=
.PHONY: fuzz accept-pictures qgis-pictures help setup setup-test demo up test lint bench bench-ingest bench-locate bench-ogc bench-tiles console stop clean lock

help: ## List what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 16

setup: ## Install what is missing: system packages, Python environment, console
	@scripts/setup

setup-test:
	@scripts/setup --test

demo: setup ## Set up, load the sample district, geolocate a day's cases, print a summary
	@$(BIN)/gisgrid demo

up: demo ## The same, then serve on http://127.0.0.1:8000 until Ctrl-C
	@exec $(BIN)/gisgrid serve

test: setup-test lint ## Set up, then lint, types, import contracts and all tests
	@$(BIN)/pytest $(PYTEST_ARGS)

lint: setup ## Style, types, import contracts, spelling
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/codespell

bench: setup ## Print the speed ratios against the references, measured in one run
	@$(BIN)/python -m tests.bench

bench-ingest: setup ## Print how loading compares with ogr2ogr, how it grows with the district, what memory ten million points take
	@$(BIN)/python -m tests.bench.ingesting

bench-locate: setup ## Print all that is promised of the locator: agreement with PostGIS, speed, sight, files, edits and outages under load
	@$(BIN)/python -m tests.bench.locating

bench-tiles: setup ## Print all that is promised of the tiles, cold and warm, beside nginx, Martin and tipg where they are
	@$(BIN)/python -m tests.bench.tiling

bench-ogc: setup ## Print what features in a box cost beside tipg, and page 10,000 of a million beside the first
	@$(BIN)/python -m tests.bench.ogc

EXAMPLES ?= 100
fuzz: setup-test ## Ask the server all that its OpenAPI documents allow and do not, EXAMPLES times an operation
	@GISGRID_FUZZ_EXAMPLES=$(EXAMPLES) $(BIN)/pytest -q tests/api/ogc/test_schemathesis.py

accept-pictures: setup-test ## Draw the pictures that the styles are compared with anew; look at them before they are committed
	@GISGRID_ACCEPT_PICTURES=1 $(BIN)/pytest -q tests/browser/test_styles.py

qgis-pictures: demo ## Draw the pictures of docs/qgis.md anew from the sample district; needs QGIS (Debian: python3-qgis)
	@$(BIN)/python scripts/qgis_pictures.py

console: setup ## Build the web console anew
	@rm -f .cache/console.stamp
	@scripts/setup

stop: ## Stop the private database cluster
	@$(BIN)/gisgrid db stop

clean: ## Stop the cluster; remove the environment, caches and builds (the database in .gisgrid stays)
	@if [ -x $(BIN)/gisgrid ]; then $(BIN)/gisgrid db stop; fi
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache api/static web/node_modules

lock: setup ## Resolve the Python dependencies anew into requirements.lock
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --upgrade \
		--no-emit-index-url --no-emit-find-links --no-header -q -o requirements.lock
