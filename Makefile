.DEFAULT_GOAL := help
BIN := .venv/bin
SAMPLES := actor18m/samples/clips
SAMPLES_SEED := 18

.PHONY: help core setup demo test test-slow check format samples bench-samples subset-A subset-B subset-C clean

help: ## list what can be done
	@awk -F ':.*## ' '/^[a-zA-Z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

core:
	@scripts/setup.sh core

setup: ## make .venv with everything that tests and rendering need
	@scripts/setup.sh test

demo: core ## show what works today; needs the core install only
	@$(BIN)/actor18m samples list
	@$(BIN)/actor18m samples copy --force out/demo/clips
	@echo "Each clip is a video and a JSON with its truth; docs/truth.md explains the fields."

test: setup ## run the tests, without those marked slow (ARGS="-k name")
	$(BIN)/python -m pytest -m "not slow" $(ARGS)

test-slow: setup ## run the tests marked slow
	$(BIN)/python -m pytest -m slow $(ARGS)

check: setup ## lint, check the format and the types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup ## format the code, and mend what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

samples: setup ## render the shipped clips and their contact sheet again
	$(BIN)/actor18m samples render $(SAMPLES) --seed $(SAMPLES_SEED) $(ARGS)
	$(BIN)/actor18m samples sheet $(SAMPLES) docs/samples.png

bench-samples: setup ## measure real models against the samples' truth
	$(BIN)/python -m tests.bench.samples_table $(ARGS)

subset-A: ## (not built yet) build references from six views
	@echo "Subset A is not built yet: it awaits the stage 'views'." >&2; exit 1

subset-B: ## (not built yet) build references with changed attributes
	@echo "Subset B is not built yet: it awaits the stage 'attributes'." >&2; exit 1

subset-C: ## (not built yet) build three-view sheets
	@echo "Subset C is not built yet: it awaits the stage 'sheets'." >&2; exit 1

clean: ## remove what make made, .venv included
	rm -rf .venv out dist build .mypy_cache .ruff_cache .pytest_cache
