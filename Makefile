# The commands of this project; `make` alone lists them. PORT=8001 make run: another port.
# Everything is installed into .venv, from the locked requirements; a second run installs nothing.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
# The environment has no pip of its own (Debian's python3-venv may be missing): ours fills it.
# (PATH: with .venv activated, python3 would be the one without pip.)
export PATH := $(subst $(CURDIR)/$(VENV)/bin:,,$(PATH))
# A pip.conf may say where packages come from, not where they go or that a hash is no matter.
INSTALL := PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_DISABLE_PIP_VERSION_CHECK=1 \
	$(PYTHON) -m pip --python $(PY) install -qq --no-deps --require-hashes --only-binary :all:
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-annotate --no-header --quiet pyproject.toml
CHECK_TRANSLATIONS := $(PY) -m flask --app wsgi translations check

.PHONY: help setup dev-setup run fresh dev test check browser bench lock clean
.DELETE_ON_ERROR:

help: ## list the commands
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

setup: $(VENV)/run.stamp ## install what the site needs

run: setup ## start the site with the demo school; what is there stays
	@exec $(PY) -m app.serve

fresh: setup ## start over with a new demo school
	@exec $(PY) -m app.serve --fresh

dev: dev-setup ## start the site, and again at every change
	@exec $(PY) -m app.serve --reload

dev-setup: $(VENV)/dev.stamp

test: dev-setup browser ## install what the tests need, and run them
	$(PY) -m pytest -n 2

check: dev-setup ## format, lint, types, floors, translations
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(PY) $(VENV)/bin/lint-imports
	$(CHECK_TRANSLATIONS)

browser: dev-setup ## install Chromium for the tests, and PostgreSQL where PyPI has none
	@tests/install_browser.sh $(PY)

bench: dev-setup ## measure: CPU, logins a second, memory
	$(PY) -m bench

lock: ## choose versions anew and write both lock files (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv: $(PYTHON) -m pip install uv" >&2; exit 1; }
	$(LOCK) --upgrade -o requirements.lock
	$(LOCK) --upgrade --group dev -o requirements-dev.lock

clean: ## remove the environment and what checks and tests left; keep the data
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	find . -name __pycache__ -prune -exec rm -rf {} +

$(PY):
	@command -v $(PYTHON) >/dev/null || { echo "Python is missing: apt-get install python3 python3-pip" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "This needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; \
		echo "With another one beside it: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || { \
		echo "$(PYTHON) has no pip: apt-get install python3-pip" >&2; exit 1; }
	rm -rf $(VENV)
	$(PYTHON) -m venv --without-pip $(VENV)

$(VENV)/run.stamp: requirements.lock | $(PY)
	@echo "Installing what the site needs …"
	@$(INSTALL) -r $<
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock $(VENV)/run.stamp
	@echo "Installing what the tests and checks need …"
	@$(INSTALL) -r $<
	@touch $@
