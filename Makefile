.PHONY: help run test test-all tools check docs docs-site screenshots bench bench-inside bench-peers packages container clean
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# What serving needs; what is installed for developers has it too.
SERVING := $(if $(wildcard $(STAMP)),$(STAMP),$(VENV)/.serving)
# Each file of tests stays in one process, for some share a server. Not those with most tests first: some of the longest
# have few.
JOBS ?= 2
PARALLEL := -n $(JOBS) --dist loadfile --no-loadscope-reorder
# What make test leaves to make test-all, and what that needs: each program with its Debian package.
MORE := node or browser or curl or java or postgresql or slow
TOOLS := node=nodejs npm=npm chromium=chromium chromedriver=chromium-driver certutil=libnss3-tools curl=curl \
	javac=default-jdk-headless keytool=default-jdk-headless mvn=maven pg_ctlcluster=postgresql
# Where a package has no wheel for this Python, newer ones are taken; constraints keep a clean clone reproducible.
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt

help: ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

PYTHON_FITS = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=...")'

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON_FITS)
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable '.[dev]'
	@touch $@

$(VENV)/.serving: pyproject.toml constraints.txt
	@$(PYTHON_FITS)
	@echo '1/3 a virtual environment in $(VENV)'
	@$(PYTHON) -m venv $(VENV)
	@echo '2/3 what serving takes: about 20 packages, 20 MB to download where pip does not have them yet'
	@$(BIN)/pip install --disable-pip-version-check --constraint constraints.txt --editable .
	@echo '3/3 bytecode'
	@$(BIN)/python -m compileall -q mock_sts
	@touch $@

run: $(SERVING) ## serve on http://localhost:8080
	@$(BIN)/python -m compileall -q mock_sts
	$(BIN)/mock-sts serve

check: $(STAMP) ## style, types, import contracts, generated pages
	$(BIN)/ruff check mock_sts devtools packages tests bench examples
	$(BIN)/ruff format --check mock_sts devtools packages tests bench examples
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32 mock_sts
	$(BIN)/lint-imports
	$(BIN)/python -m devtools --check
	$(BIN)/mock-sts fixtures check > /dev/null

test: check ## everything that needs Python only
	$(BIN)/pytest $(PARALLEL) -m 'not ($(MORE))'

test-all: export ALL_EXAMPLES := yes
test-all: tools test ## everything: make test, then the rest; names the program that is missing
	cd tests/interop/node && npm ci --silent --no-audit --no-fund
	$(BIN)/pytest $(PARALLEL) -m '$(MORE)'
	TEST_DATABASE=postgresql $(BIN)/pytest $(PARALLEL) -m 'not (sqlite or $(MORE))' tests/journeys

tools:
	@missing=; for each in $(TOOLS); do \
		command -v "$${each%%=*}" > /dev/null || missing="$$missing\n  $${each%%=*}: Debian's package $${each#*=}"; \
	done; \
	if [ -n "$$missing" ]; then printf "make test-all needs programs that are missing:$$missing\n" >&2; exit 1; fi
	@node -e 'process.exit(process.versions.node.split(".")[0] < 20 ? 1 : 0)' || { echo 'make test-all needs Node.js 20 or newer; this is older' >&2; exit 1; }

docs: $(STAMP) ## write the generated parts of the documentation
	$(BIN)/python -m devtools
	$(BIN)/python -m tests.coverage.page

docs-site: $(SERVING) ## build the site of the documentation, which the server has at /mock/docs
	@$(BIN)/python -c 'import zensical' 2> /dev/null || $(INSTALL) --editable '.[docs]'
	$(BIN)/python -P devtools/docs_site.py

screenshots: $(STAMP) ## take the pictures of the documentation; needs chromium
	$(BIN)/python -m tests.browser.screenshots docs/images

bench: $(STAMP) ## measure the token endpoint; prints, never fails
	$(BIN)/python -m bench.tokens

bench-inside: $(STAMP) ## measure one process without sockets, for one change after the other; prints, never fails
	$(BIN)/python -m bench.inside $(if $(KIND),--profile $(KIND),--unsigned)

bench-peers: $(STAMP) ## measure it beside its peers; prints, never fails; docs/performance.md says what it takes
	-cd bench/peers && npm ci --silent --no-audit --no-fund
	-@$(BIN)/python -m bench.peers $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(QUICK),--quick) $(if $(BITS),--bits $(BITS)) \
		$(if $(WORKERS),--workers $(WORKERS)) $(if $(BESIDE),--beside '$(BESIDE)') $(if $(PEERS),--peers '$(PEERS)') $(if $(PAGE),--page)

packages: ## build wheel, source archive, archive without Python, list of contents, packages for Node.js and Java; the image where docker runs
	$(PYTHON) packages/build.py

container: ## build the container image mock-sts with docker
	docker build --tag mock-sts .

clean: ## remove what was made
	rm -rf $(VENV) dist mock_sts/docs_site mock-sts-data tests/interop/node/node_modules bench/peers/node_modules
