# Fraud research: every command a user needs. `make` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
TOOLS := .venv-delivery
export PATH := $(CURDIR)/$(BIN):$(CURDIR)/$(TOOLS)/bin:$(PATH)
# Without these a locale or a setting of the shell could change what is written.
export PYTHONUTF8 := 1
export MLFLOW_DISABLE_TELEMETRY := true
# uv installs what the lock pins in a third of pip's time; an index that pip was told of is its index too.
INDEX = $(or $(PIP_INDEX_URL),$(shell $(BIN)/python -m pip config get global.index-url 2>/dev/null))
INSTALL = UV_COMPILE_BYTECODE=1 $(BIN)/uv pip install $(if $(shell test -t 2 && echo terminal),,--quiet) \
  $(if $(INDEX),--default-index $(INDEX)) --require-hashes
RESOLVE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header

QUICK := poison sweep data@quick baseline@quick entities@quick poisoning@quick drift@quick fairness@quick explain@quick select@quick report
# Studies that do not depend on each other, in two lanes of about the same length: a study keeps one core busy on average.
# The first run takes them; a later one makes only what changed, and DVC looks at everything once.
LANES := data@quick,poisoning@quick,explain@quick,sweep drift@quick,entities@quick,fairness@quick,baseline@quick
FULL := data@full baseline@full entities@full poisoning@full drift@full fairness@full explain@full select@full

.PHONY: help run scan features test serve lab studies report reference mlflow bench bench-serve readme stages stale lint lock env clean image load capacity \
  tools pin-actions

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

run: env ## environment, data, quick studies, champion, report; DATA=path takes your own table, CARD=path your own events
	@python -m fraud_core source $(if $(DATA),--data "$(DATA)") $(if $(CARD),--card "$(CARD)")
	@test -f results/quick/select/metrics.json || { export FRAUD_UPLOAD=later && dvc repro poison train && fraud lanes $(LANES); }
	@FRAUD_UPLOAD=later dvc repro $(QUICK)
	@python -m fraud_core reference
	@python -m fraud_core promote --profile quick; status=$$?; python -m fraud_core summary --profile quick && exit $$status

scan: env ## scan a label batch for poisoning: DATA=path, and TRUSTED=path for labels that are true
	@test -n "$(DATA)" || { echo "error: give the table to scan, make scan DATA=path"; exit 1; }
	@python -m fraud_core scan "$(DATA)" $(if $(TRUSTED),--trusted "$(TRUSTED)")

test: env $(VENV)/.kernel ## the whole test suite
	@python -m pytest

serve: env $(VENV)/.kernel ## the service on the champion, open to this machine alone, documentation at /docs (PORT=8000)
	@FRAUD_ACCESS=open FRAUD_PORT=$(PORT) python -m serve

features: $(VENV)/.features ## the model of customers and terminals, and the feature store filled (STORE=path of Feast's configuration)
	@dvc repro features
	@test -f models/entities/manifest.json || dvc repro --force --single-item features
	@python -m feature_repo.load $(if $(STORE),--store "$(STORE)")

$(VENV)/.features: $(VENV)/.ready requirements-features.lock
	@echo "environment: adding the feature store"
	@$(INSTALL) --python $(BIN)/python -r requirements-features.lock
	@touch $@

lab: env ## JupyterLab on the notebooks
	@jupyter lab --notebook-dir=notebooks $(if $(filter 0,$(shell id -u)),--allow-root)

studies: env ## the full studies, whose figures are in git; an interrupted run goes on where it stopped
	@stages=$$(python -m fraud_core unexecuted --profile full); test -z "$$stages" || dvc repro --force --single-item $$stages
	@dvc repro $(FULL)
	@python -m fraud_core report --profile full
	@python -m fraud_core readme
	@python -m fraud_core summary --profile full

reference: env ## the API reference, from the docstrings, into reports/_site/reference
	@python -m fraud_core reference

report: env ## render the report of the quick profile again
	@python -m fraud_core report --profile quick

mlflow: env ## the MLflow pages on the runs of this project
	@mlflow server --backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///$(CURDIR)/mlflow.db}" --host 127.0.0.1 --port 5000 --workers 1

bench: env ## speed ratios, written to benchmarks/results; PEERS=python of NannyML and Evidently
	@python benchmarks/bootstrap.py
	@python benchmarks/laboratory.py
	@python benchmarks/entities.py
	@python benchmarks/drift.py $(PEERS)
	@python benchmarks/explain.py
	@python benchmarks/batch.py

bench-serve: env $(VENV)/.kernel ## the service against empty routes and other servers (needs wrk); PEERS=python of MLServer and BentoML
	@PEERS=$(PEERS) python benchmarks/serving.py

image: ## the service's image, by docker, podman or buildah (FEATURES=1: of entities, RESEARCH=1: the studies; IMAGE, BASE, PIP_CONF)
	@k8s/image.sh

load: env tools $(VENV)/.kernel ## the service under Locust on loopback, fails beyond its limits (ENTITIES=1: on entities; WEB=1: Locust's page)
	@python -m tests.load $(if $(WEB),--web) $(if $(ENTITIES),--entities)

capacity: env ## the autoscaler simulated against traffic, from measured CPU time; writes figures and docs/capacity.md
	@python -m k8s.capacity
	@python -m fraud_core readme

tools: $(TOOLS)/.ready ## tools of delivery, in an environment of their own: manifests, workflows, load, image
$(TOOLS)/.ready: requirements-delivery.lock
	@$(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/python -m pip install --quiet --no-compile --require-hashes -r requirements-delivery.lock
	@touch $@

pin-actions: ## write the commit of each action's tag into the workflows (needs GitHub)
	@$(PYTHON) .github/pin_actions.py

readme: env ## write the current figures into README.md
	@python -m fraud_core readme

stages: env ## write dvc.yaml: the stages, and the code that each one reaches by its imports
	@python -m fraud_core stages

stale: env ## say which stages are older in dvc.lock than code, notebook or parameters, and fail when one is
	@python -m fraud_core stages --check && python -m fraud_core stale

lint: env ## style, mistakes and types, in code and notebooks
	@ruff check . && ruff format --check . && pyright --threads

lock: env ## resolve the pinned environments again (needs uv)
	@$(RESOLVE) pyproject.toml --extra serve --extra research --extra test --extra build --extra features -o requirements-features.lock
	@$(RESOLVE) pyproject.toml --extra serve --extra research --extra test --extra build -c requirements-features.lock -o requirements.lock
	@$(RESOLVE) pyproject.toml --extra serve -c requirements.lock -o requirements-serve.lock
	@$(RESOLVE) pyproject.toml --extra serve --extra features -c requirements-features.lock -o requirements-serve-features.lock
	@$(RESOLVE) pyproject.toml --extra research --extra features --extra gcs -c requirements-features.lock -o requirements-research.lock
	@$(RESOLVE) --group delivery -o requirements-delivery.lock

env: $(VENV)/.ready ## the environment alone

# Optional: without a C compiler it says so, and the service scores by NumPy.
$(VENV)/.kernel: $(VENV)/.ready serve/scoring/kernel.c
	@python -m serve.scoring.compiled_scorer
	@touch $@

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 11) <= v < (3, 14) else "error: Python 3.11, 3.12 or 3.13 is needed, $(PYTHON) is %d.%d; name another with PYTHON=path" % v[:2])'
	@echo "environment: installing pinned packages into $(VENV) (some minutes the first time)"
	@$(PYTHON) -m venv $(VENV)
	@awk '/^uv==/ { on = 1 } on { print } on && !/\\$$/ { exit }' requirements.lock > $(VENV)/uv.lock
	@$(BIN)/python -m pip install --quiet --require-hashes -r $(VENV)/uv.lock
	@$(INSTALL) --python $(BIN)/python -r requirements.lock
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

clean: ## remove what the pipeline made, but not environment, raw data, champion and the record of promotions
	@rm -rf data/v0 data/v1 data/poisoned data/audit models/candidate results/quick results/sweep reports/_site reports/_work scratch
