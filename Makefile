# Everything a person does here is a target: `make help` lists them. No target needs more than Python 3.11+.
SHELL := /bin/bash
PYTHON ?= python3
UV := .uv/bin/uv
BIN := .venv/bin
INSTALLED := .venv/.installed
AUDIT_PEERS := .bench/audit/.installed
PREFECT := .bench/prefect/.installed
SERVERS := .bench/serving/.installed
MLFLOW := .bench/mlflow/.installed
MLFLOW_CLIENTS := .bench/compat/.installed

export OMP_WAIT_POLICY := PASSIVE

.DEFAULT_GOAL := help
.PHONY: help setup lock demo demo-fraud up down test test-servers test-stories bench-audit bench-choreography bench-serving bench-tracking load chaos images-check secrets lint format types imports contracts check clean compat demo-climate

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  \033[1m%-18s\033[0m %s\n", $$1, $$2}'

$(UV):
	@echo "fetching uv, the installer (20 MB)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Murmuration needs Python 3.11 or newer; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -m venv .uv && .uv/bin/python -m pip install --quiet --disable-pip-version-check uv

$(INSTALLED): requirements.lock $(wildcard libs/*/pyproject.toml services/*/pyproject.toml) | $(UV)
	@echo "installing Murmuration and what it needs into .venv (about 600 MB once, then cached)"
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) .venv
	@$(UV) pip sync --compile-bytecode --python $(BIN)/python requirements.lock
	@touch $@

setup: $(INSTALLED) ## install everything into .venv

lock: | $(UV) ## resolve all dependencies anew into requirements.lock
	$(UV) lock --upgrade --quiet
	$(UV) export --quiet --all-packages --all-groups --format requirements-txt --no-header -o requirements.lock
	$(PYTHON) infra/docker/closures.py

demo: setup ## the credit story: train, validate, review, deploy, drift, retrain
	@$(BIN)/murmur demo

demo-fraud: setup ## the fraud story: a rare event, judged by cost, and thieves who change their ways
	@$(BIN)/murmur demo fraud

demo-climate: setup ## the climate story: two researchers, two sweeps, one leaderboard; nothing is deployed
	@$(BIN)/murmur demo climate

up: setup ## start the flock
	@$(BIN)/murmur up

down: setup ## stop the flock
	@$(BIN)/murmur down

test: setup ## the tests, with a real broker; beside them there are test-servers, test-stories and chaos
	$(BIN)/python -m pytest -m "not flock" -n auto --maxprocesses 4 --dist loadfile
	$(BIN)/python -m pytest -m flock

test-servers: setup ## the servers set-up on this machine, secured: three brokers, two replicas of each service (five minutes)
	MURMUR_TEST_PROFILE=servers $(BIN)/python -m pytest tests/security/test_secured_flock.py tests/chaos/test_three_brokers.py \
	  tests/infra/test_containers.py

test-stories: setup ## the story of the fraud workflow, told and checked (five minutes)
	MURMUR_TEST_PROFILE=stories $(BIN)/python -m pytest tests/integration/test_fraud_story.py

$(MLFLOW_CLIENTS): tests/compat/clients/mlflow-2.txt tests/compat/clients/mlflow-3.txt | $(UV)
	@echo "installing MLflow's clients 2.22 and 3.x into environments of their own, .bench/compat (about 1.4 GB, once)"
	@for client in mlflow-2 mlflow-3; do \
	  $(UV) venv --quiet --allow-existing --python $(PYTHON) $(@D)/$$client && \
	  $(UV) pip install --quiet --python $(@D)/$$client/bin/python -r tests/compat/clients/$$client.txt || exit 1; done
	@touch $@

compat: setup $(MLFLOW_CLIENTS) ## MLflow's own clients against the services, on both stores (ten minutes; URI=… STOCK=1)
	MURMUR_TEST_PROFILE=compat MURMUR_COMPAT_URI=$(URI) MURMUR_COMPAT_STOCK=$(STOCK) $(BIN)/python -m pytest tests/compat

$(AUDIT_PEERS): | $(UV)
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .bench/audit
	@$(UV) pip install --quiet --python .bench/audit/bin/python tamperlog==0.1.0 tamperloom==0.1.0
	@touch $@

bench-audit: setup $(AUDIT_PEERS) ## append to the ledger and verify it, beside two libraries for such logs
	@PYTHONPATH=. $(BIN)/python tests/load/bench_audit.py --peers .bench/audit/bin/python

$(PREFECT): | $(UV)
	@echo "installing Prefect into an environment of its own, .bench/prefect (about 150 MB, once)"
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .bench/prefect
	@$(UV) pip install --quiet --compile-bytecode --python $(@D)/bin/python 'prefect>=3,<4' && touch $@

bench-choreography: setup $(PREFECT) ## trigger to model.deployed with steps that do nothing, beside Prefect
	@$(BIN)/python tests/load/bench_choreography.py --prefect $(dir $(PREFECT))bin/python

$(SERVERS): | $(UV)
	@echo "installing MLServer, BentoML, MLflow and FastAPI into environments of their own, .bench/serving (about 1.5 GB, once)"
	@for peer in mlserver bentoml mlflow fastapi tools; do \
	  $(UV) venv --quiet --allow-existing --python $(PYTHON) $(@D)/$$peer || exit 1; done
	@$(UV) pip install --quiet --python $(@D)/mlserver/bin/python mlserver==1.7.1 mlserver-xgboost==1.7.1
	@$(UV) pip install --quiet --python $(@D)/bentoml/bin/python bentoml xgboost-cpu==3.2.0
	@$(UV) pip install --quiet --python $(@D)/mlflow/bin/python mlflow xgboost-cpu==3.2.0
	@$(UV) pip install --quiet --python $(@D)/fastapi/bin/python fastapi 'uvicorn[standard]' xgboost-cpu==3.2.0
	@$(UV) pip install --quiet --python $(@D)/tools/bin/python py-spy
	@command -v wrk >/dev/null || apt-get install --yes --quiet wrk >/dev/null
	@mkdir -p .bench/bin && GOBIN=$(CURDIR)/.bench/bin go install github.com/bojand/ghz/cmd/ghz@v0.93.0
	@cargo install --quiet --locked --root .bench --no-default-features --features rustls oha@1.16.0
	@touch $@

bench-serving: setup $(SERVERS) ## predictions per second of a model server, beside four others (20 minutes, 2 cores)
	@PYTHONPATH=.:tests/load $(BIN)/python tests/load/bench_serving.py

$(MLFLOW): | $(UV)
	@echo "installing MLflow into an environment of its own, .bench/mlflow (about 700 MB, once)"
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) $(@D)
	@$(UV) pip install --quiet --compile-bytecode --python $(@D)/bin/python 'mlflow>=3.17,<4' py-spy && touch $@

bench-tracking: setup $(MLFLOW) ## log runs and find them among 100,000, beside a stock mlflow server (half an hour)
	@PYTHONPATH=.:tests/load $(BIN)/python tests/load/bench_tracking.py

load: setup ## ten minutes of predictions at 70 % of capacity: replicas killed, canaries, scaling, no broker; no request may fail
	MURMUR_LOAD=full $(BIN)/python -m pytest tests/load/test_serving_under_load.py -s

chaos: setup ## kill everything at named points and at random moments, fill the disk (half an hour; SETUP=embedded)
	MURMUR_CHAOS=full MURMUR_CHAOS_SETUP=$(or $(SETUP),embedded) $(BIN)/python -m pytest tests/chaos -s

lint: setup ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup ## repair the style where that can be done by machine
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup ## mypy, strict
	$(BIN)/mypy $(wildcard libs/*/src services/*/src)

imports: setup ## who may import whom
	$(BIN)/lint-imports

contracts: setup ## generated contracts match the code, and nothing released was broken
	$(BIN)/python -m contracts.generate --check
	$(BIN)/python -m murmur_access.generate infra/kafka/acls.json --check

secrets: setup ## draw the secrets of docker-compose.yml into infra/secrets, once
	@$(BIN)/python -m murmur_runtime.server_secrets infra/secrets

images-check: setup ## install each image's closure by itself and import its service
	@nice infra/docker/check.sh

check: lint types imports contracts test ## all that CI runs

clean: ## remove what was installed and built, not your data in .murmur
	rm -rf .venv .uv .mypy_cache .pytest_cache .ruff_cache
