# Two commands do everything: `make run` (the nightly job on simulated CRMs) and `make test`.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
UV := $(VENV)-tools/bin/uv

.PHONY: run test test-slow check lint bench bench-verdict bench-verdict-full bench-evaluation bench-salesforce bench-hubspot \
	bench-files bench-transform cases foreign foreign-singer lock clean help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

run: $(VENV)/.run ## the whole nightly DAG on simulated CRMs: tables, scorecard, report
	@$(VENV)/bin/crmlift demo

test: $(VENV)/.dev ## the fast suite (≤ 5 minutes on 2 cores)
	@$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder --timeout 600 tests/end_to_end tests

test-slow: $(VENV)/.dev ## the slow suite: null companies, end-to-end repeats
	@$(PY) -m pytest -m slow --timeout 7200 -s

cases: $(VENV)/.dev ## inputs on which the product was wrong once, in ../shared/cases or CRMLIFT_CASES: all must be right
	@$(PY) -m pytest -m slow -n 2 --timeout 900 -rs tests/cases

check: $(VENV)/.dev lint ## the quick half: lint, types, imports, SQL, unit tests
	@$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder --timeout 120 --ignore tests/end_to_end

lint: $(VENV)/.dev
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(VENV)/bin/crmlift sql check
	@$(VENV)/bin/crmlift kpi check

bench: $(VENV)/.dev ## the quick benchmark: how often the verdict is right; see also bench-salesforce, bench-hubspot
	@$(PY) -m benchmarks

bench-verdict: $(VENV)/.dev ## is the verdict right? all processes, opponents beside us (minutes)
	@$(PY) -m benchmarks.verdict

bench-verdict-full: $(VENV)/.dev ## the same with 2,000 worlds a row; writes docs/benchmark.md (hours)
	@$(PY) -m benchmarks.verdict --full --write

bench-evaluation: $(VENV)/.dev ## a night's verdicts on fifty KPIs with twenty segments over three years of weeks
	@$(PY) -m benchmarks.evaluation

bench-hubspot: $(VENV)/.dev ## HubSpot's backfill against the least time its limits allow, dlt's source beside it
	@$(PY) -m benchmarks.hubspot

bench-transform: $(VENV)/.dev ## a million deals, ten million activities, a million tickets: transform and measure (8 GB of disk)
	@$(PY) -m benchmarks.transform

bench-files: $(VENV)/.dev ## a CSV baseline of two million rows: looked at, landed and loaded, beside read_csv
	@$(PY) -m benchmarks.files

bench-salesforce: $(VENV)/.dev ## extract and load a million opportunities, beside read_csv (and dlt, if .venv-foreign has it)
	@$(PY) -m benchmarks.salesforce

# Other people's clients, each in an environment of its own: their dependencies fight ours. dlt's HubSpot source is the
# one ingestr ships; pendulum 2 and pkg_resources need an older setuptools.
FOREIGN = tap-salesforce==2.8.1 airbyte-source-salesforce==2.10.3 dlt[duckdb,parquet]==1.31.0 \
  meltano-tap-hubspot==0.10.1 airbyte-source-hubspot==5.7.0

foreign: $(VENV)/.dev ## other people's clients in .venv-foreign/, unchanged, read against the simulator (minutes)
	@for client in $(FOREIGN); do place=.venv-foreign/$${client%%[=[]*}; \
	  $(UV) venv -q --allow-existing $$place && $(UV) pip install -q --python $$place/bin/python "$$client" || exit 1; done
	@$(UV) pip install -q --python .venv-foreign/dlt/bin/python simple-salesforce==1.12.10
	@$(UV) venv -q --allow-existing .venv-foreign/ingestr
	@$(UV) pip install -q --python .venv-foreign/ingestr/bin/python "dlt[duckdb]==1.11.0" pandas "setuptools<81"
	@$(UV) pip install -q --python .venv-foreign/ingestr/bin/python --no-deps ingestr==0.13.94
	@$(PY) -m pytest -m slow tests/foreign

foreign-singer: $(VENV)/.dev ## published Singer taps through the bridge, loaded and resumed from their state
	@for tap in meltano-tap-hubspot==0.10.1 tap-salesforce==2.8.1 tap-pipedrive==2.1.0; do \
	  $(UV) venv -q --allow-existing .venv-foreign/$${tap%%=*} && \
	  $(UV) pip install -q --python .venv-foreign/$${tap%%=*}/bin/python $$tap "setuptools<81" || exit 1; done
	@$(PY) -m pytest -m slow tests/foreign/test_singer_bridge.py

lock: $(UV) ## resolve requirements.in again into the hashed locks
	@$(UV) pip compile -q --generate-hashes --universal --python-version 3.11 requirements.in -o requirements.lock
	@$(UV) pip compile -q --generate-hashes --universal --python-version 3.11 -c requirements.lock \
	    requirements.in requirements-dev.in -o requirements-dev.lock
	@$(UV) pip compile -q --generate-hashes --universal --python-version 3.11 -c requirements.lock \
	    requirements.in requirements-deploy.in -o requirements-deploy.lock

clean: ## remove the environment (data/ is yours and stays)
	@rm -rf $(VENV) $(VENV)-tools

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)-tools
	@$(VENV)-tools/bin/python -m pip install -q --disable-pip-version-check uv==0.13.9

$(PY): $(UV)
	@$(PYTHON) -m venv --without-pip $(VENV)

# The dev environment holds everything the run environment holds, so `make run` is content with either.
$(VENV)/.run: requirements.lock pyproject.toml | $(PY)
	@if [ ! -e $(VENV)/.dev ] || [ requirements.lock -nt $(VENV)/.dev ]; then \
	  echo "Installing the environment from requirements.lock …" >&2 && \
	  $(UV) pip sync -q --compile-bytecode --require-hashes --python $(PY) requirements.lock && \
	  $(UV) pip install -q --python $(PY) --no-deps --no-build-isolation -e . ; fi
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(PY)
	@echo "Installing the environment from requirements-dev.lock …" >&2
	@$(UV) pip sync -q --compile-bytecode --require-hashes --python $(PY) requirements-dev.lock
	@$(UV) pip install -q --python $(PY) --no-deps --no-build-isolation -e .
	@touch $@
