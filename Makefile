# Each target makes the virtual environment that it needs; it is made again when a lock changed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PEERS := bench/peers/node_modules/.installed

.DEFAULT_GOAL := help
.PHONY: run test soak check bench sbom audit help

run: $(STAMP) ## start everything for development, with generated keys; PORT=9000 takes another port
	@exec $(BIN)/tillgate dev$(if $(PORT), --port $(PORT))

test: $(STAMP) ## run all tests, on a real MongoDB
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

soak: $(STAMP) ## run the searches that take hours: all orders, 5,000 conversations, missing guards, fuzzing, failovers, mutants
	$(BIN)/python -m pytest -m soak
	$(BIN)/python -m tests.conversation.soak
	$(BIN)/python -m tests.conversation.guards
	$(BIN)/python -m tests.failovers --count 100
	$(BIN)/python -m tests.fuzz
	$(BIN)/python -m tests.mutations

check: $(STAMP) ## lint, format, types, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

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

$(STAMP): requirements-dev.lock pyproject.toml sandbox/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: make PYTHON=python3.11 ..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-build-isolation --no-deps -e . -e ./sandbox
	@touch $@

$(PEERS): bench/peers/package-lock.json bench/peers/requirements.lock
	@command -v node npm wrk >/dev/null || { echo "The bench needs node, npm and wrk (Debian: nodejs, npm, wrk)." >&2; exit 1; }
	cd bench/peers && npm ci --silent
	@test -x bench/.venv/bin/python || $(PYTHON) -m venv bench/.venv
	bench/.venv/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes -r bench/peers/requirements.lock
	@touch $@
