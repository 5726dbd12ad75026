# Each target makes the virtual environment that it needs; it is made again when a lock changed.
# `make run` installs what running takes, all others what tests and checks take besides.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNS := $(VENV)/.runs
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check
BUILD_DOCS = NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --config-file guide/mkdocs.yml
PEERS := bench/peers/node_modules/.installed

.DEFAULT_GOAL := help
.PHONY: run test soak check docs bench sbom audit help

run: $(RUNS) ## start everything for development, with generated keys; PORT=9000 takes another port
	@exec $(BIN)/tillgate dev$(if $(PORT), --port $(PORT))

# Tests start Python a few hundred times: none is to compile again what another has compiled.
test: export PYTHONDONTWRITEBYTECODE =
test: $(STAMP) ## run all tests, on a real MongoDB
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

soak: $(STAMP) ## run the searches that take hours: all orders, 5,000 conversations, missing guards, fuzzing, failovers, mutants
	$(BIN)/python -m pytest -m soak
	$(BIN)/python -m tests.conversation.soak
	$(BIN)/python -m tests.conversation.guards
	$(BIN)/python -m tests.failovers --count 100
	$(BIN)/python -m tests.fuzz
	$(BIN)/python -m tests.mutations

check: $(STAMP) ## lint, format, types, who may import whom, and the docs: built, links, spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell *.md docs guide examples clients deploy service sandbox bench
	$(BUILD_DOCS)

docs: $(STAMP) ## build the docs as a site, which a development server shows at /docs/guide
	$(BUILD_DOCS)
	@echo "Built: dist/guide/index.html, and /docs/guide of a development server."

bench: $(STAMP) $(PEERS) ## measure the hot routes beside other servers, about 25 minutes (needs node and wrk)
	$(BIN)/python -m bench

sbom: $(STAMP) ## write what the product is made of, and under which licences, to dist/
	@mkdir -p dist
	@$(PYTHON) -m venv --clear --without-pip dist/product
	$(BIN)/python -m pip --python dist/product/bin/python install --disable-pip-version-check --quiet --require-hashes -r requirements.lock
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o dist/sbom.cdx.json dist/product
	$(BIN)/pip-licenses --python dist/product/bin/python --format markdown --output-file dist/licences.md
	@rm -r dist/product

audit: $(STAMP) ## ask for known weaknesses of what the product is made of (needs a network)
	@$(BIN)/pip-audit --strict --disable-pip --require-hashes -r requirements.lock \
	  || { echo "Not clean: a weakness stands above, or nobody could be asked about what is named there (no network)." >&2; exit 1; }

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(RUNS): requirements-run.lock pyproject.toml sandbox/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: make PYTHON=python3.11 ..." >&2; exit 1; }
	@echo "Installing into $(VENV) what running needs, once: $$(grep -c == requirements-run.lock) packages, a MongoDB among them."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --progress-bar on --require-hashes -r requirements-run.lock
	@$(PIP) install --quiet --no-build-isolation --no-deps -e . -e ./sandbox
	@touch $@

$(STAMP): requirements-dev.lock $(RUNS)
	@echo "Installing into $(VENV) what tests and checks need besides, once: $$(grep -c == requirements-dev.lock) packages."
	@$(PIP) install --progress-bar on --require-hashes -r requirements-dev.lock
	@touch $@

$(PEERS): bench/peers/package-lock.json bench/peers/requirements.lock
	@command -v node npm wrk >/dev/null || { echo "The bench needs node, npm and wrk (Debian: nodejs, npm, wrk)." >&2; exit 1; }
	cd bench/peers && npm ci --silent
	@test -x bench/.venv/bin/python || $(PYTHON) -m venv bench/.venv
	bench/.venv/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes -r bench/peers/requirements.lock
	@touch $@
