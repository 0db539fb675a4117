# Every chore has one way to run it, here and in CI.
.PHONY: quickstart test test-long check bench bench-tracking format lock clean
.DEFAULT_GOAL := help

RUN := .venv/bin
# What cannot live beside us, each with the lock of its name.
ENVIRONMENTS := .venv-mlflow3 .venv-mlflow30 .venv-mlflow222 .venv-mlflow210

help: ## Say what can be done
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 18

quickstart: ## Train, save, register, promote, serve and ask: the main job on real data
	@scripts/environment.sh .venv requirements/run.lock --with-project
	@$(RUN)/python scripts/quickstart.py

# Three processes on two processors: many tests wait for a server or for a clock.
test: dev $(ENVIRONMENTS) .venv-torch ## Run every test (or ARGS=...: those)
ifdef ARGS
	@$(RUN)/python -m pytest $(ARGS)
else
	@$(RUN)/python -m pytest -n 3 --dist loadscope --no-loadscope-reorder -m "not long" tests
endif

test-long: dev $(ENVIRONMENTS) .venv-checkov .venv-torch ## Run the tests that take too long to run them each time
	@scripts/azurite.sh
	@$(RUN)/python -m pytest -m long tests

check: dev ## Lint, formatting, types, layers
	@$(RUN)/ruff check .
	@$(RUN)/ruff format --check .
	@$(RUN)/mypy
	@$(RUN)/lint-imports

bench: dev .venv-mlflow3 ## Measure side by side with other servers; ARGS=--quick for a first look, ARGS=--help for more
	@scripts/bench-environments.sh
	@$(RUN)/python -m tests.benchmarks $(ARGS)

bench-tracking: dev .venv-mlflow3 ## Measure tracking and registry beside MLflow's, by both Python clients
	@$(RUN)/python -m tests.benchmarks.tracking $(ARGS)

format: dev ## Put the code into its one form
	@$(RUN)/ruff check --fix --quiet .
	@$(RUN)/ruff format --quiet .

lock: ## Write the lock files anew (needs uv)
	@scripts/lock.sh

clean: ## Remove what was built here
	rm -rf .venv .venv-uv $(ENVIRONMENTS) .venv-checkov .venv-torch .venv-bench .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

.PHONY: help dev environments $(ENVIRONMENTS) .venv-checkov .venv-torch
environments: $(ENVIRONMENTS)

dev:
	@scripts/environment.sh .venv requirements/dev.lock --with-project

$(ENVIRONMENTS) .venv-checkov:
	@scripts/environment.sh $@ requirements/$(@:.venv-%=%).lock

# Beside .venv: what both have is there in one version.
.venv-torch: dev
	@scripts/torch-environment.sh $@
