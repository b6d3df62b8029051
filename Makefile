# The verbs of the project. Needs git, make and some Python 3; everything else is installed into backend/.venv and .tools.
# Written for GNU make 3.81 (macOS) and a POSIX shell.

SHELL := /bin/sh
BIN := .venv/bin
WORKERS ?= 2
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast check lint format docs bench generate dist clean

help: ## List the verbs
	@echo "ats: a trading node on NautilusTrader"
	@echo
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "ARGS='...' passes options on to demo, test and bench. WORKERS=$(WORKERS) test processes."

setup: ## Install ats and its tools into backend/.venv (the other verbs do this by themselves)
	@backend/scripts/setup

demo: setup ## The whole story on a simulated gateway: backtest, approval, paper, live, kill switch
	@cd backend && $(BIN)/ats demo $(ARGS)

test: setup ## Every test
	cd backend && $(BIN)/pytest -n $(WORKERS) --dist loadfile $(ARGS)

test-fast: setup ## Unit tests only
	cd backend && $(BIN)/pytest -q -n $(WORKERS) --dist loadfile tests/unit $(ARGS)

check: lint ## What must hold before a commit: lint, types, import contract, generated pages, tidy and unit tests
	cd backend && $(BIN)/python scripts/generate_docs.py --check
	cd backend && $(BIN)/pytest -q -n $(WORKERS) --dist loadfile tests/tidy tests/unit

lint: setup ## Format, ruff, mypy, import contract; changes nothing
	cd backend && $(BIN)/ruff format --check .
	cd backend && $(BIN)/ruff check .
	cd backend && $(BIN)/mypy
	cd backend && $(BIN)/lint-imports

format: setup ## Let ruff format the code and repair what it safely can
	cd backend && $(BIN)/ruff format . && $(BIN)/ruff check --fix .

generate: setup ## Write the generated pages: settings, commands, refusals, exit codes, controls, .env.example, licences
	cd backend && $(BIN)/python scripts/generate_docs.py

docs: setup ## Build the documentation into site/; a broken link fails
	cd backend && NO_MKDOCS_2_WARNING=1 UV_PROJECT_ENVIRONMENT=../.tools/docs "$$(scripts/find-uv)" run --frozen --only-group docs --python $(BIN)/python \
		mkdocs build --strict --quiet --config-file ../mkdocs.yml
	@echo "docs: open site/index.html"

bench: setup ## Speed, as ratios measured in one run
	cd backend && $(BIN)/python benchmarks/run.py $(ARGS)

dist: setup ## Build the wheel and the source archive into dist/
	cd backend && "$$(scripts/find-uv)" build --quiet --python $(BIN)/python --out-dir ../dist .

clean: ## Remove what make installed and built; your data folder is not touched
	rm -rf backend/.venv .tools site dist
