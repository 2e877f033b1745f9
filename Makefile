.DEFAULT_GOAL := help
BIN := .venv/bin
SAMPLES := actor18m/samples/clips
SAMPLES_SEED := 18

PIPELINE := embedded
INPUT := out/demo/inputs
STORE := out/demo/store
DATASET := out/demo/dataset
BUILD = $(BIN)/actor18m build $(PIPELINE) --store $(STORE) --dataset $(DATASET)

.PHONY: help core embedded setup demo test test-slow check format samples bench-samples accuracy viewpoints bench-engine subset-A subset-B subset-C clean

help: ## list what can be done
	@awk -F ':.*## ' '/^[a-zA-Z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

core:
	@scripts/setup.sh core

setup: ## make .venv with everything that tests and rendering need
	@scripts/setup.sh test

embedded:
	@scripts/setup.sh embedded

demo: embedded ## build a small dataset from sample clips, with small real models on the CPU
	@$(BIN)/actor18m samples copy --force out/demo/samples
	@scripts/demo_inputs.sh out/demo/samples $(INPUT)
	@$(BIN)/actor18m models pull
	@$(BUILD) --input $(INPUT) --sync
	@$(BIN)/actor18m status $(PIPELINE) --store $(STORE)
	@$(BIN)/actor18m sheet out/demo/sheets --dataset $(DATASET) --store $(STORE)
	@echo "The dataset is $(DATASET)/latest; its README.md says how to read it. Why a clip was kept or not:"
	@echo "  $(BIN)/actor18m explain --store $(STORE) $(INPUT)/two_people_1.mp4"

test: setup ## run the tests, without those marked slow (ARGS="-k name")
	$(BIN)/python -m pytest -m "not slow" -n auto --maxprocesses 4 --dist loadfile $(ARGS)

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
	$(BIN)/python -m studio $(SAMPLES) --seed $(SAMPLES_SEED) $(ARGS)
	$(BIN)/actor18m samples sheet $(SAMPLES) docs/samples.png

bench-samples: setup ## measure real models against the samples' truth
	$(BIN)/python -m tests.bench.samples_table $(ARGS)

accuracy: setup ## how right filters and labels are, on samples and ACTOR18M_FOOTAGE (ARGS="--json")
	@$(BIN)/python -m accuracy $(ARGS)

viewpoints: embedded ## which viewpoints DATASET has before and after views are added, and which views were obtained
	@$(BIN)/python -m accuracy.viewpoints $(DATASET) $(ARGS)

bench-engine: setup ## measure planning at scale, what the engine and its driver cost, and waiting stages
	$(BIN)/python -m tests.bench.engine_scale $(ARGS)
	$(BIN)/python -m tests.bench.engine_cost
	$(BIN)/python -m tests.bench.driver_cost
	$(BIN)/python -m tests.bench.simulated --making --gpus 64 --gpus 1024
	$(BIN)/python -m tests.bench.waiting_rate

subset-A: embedded ## build subset A of PIPELINE, STORE and DATASET (ARGS="--input DIR")
	@$(BUILD) --only subset-A $(ARGS)

subset-B: embedded ## likewise subset B
	@$(BUILD) --only subset-B $(ARGS)

subset-C: embedded ## likewise subset C
	@$(BUILD) --only subset-C $(ARGS)

clean: ## remove what make made, .venv included
	rm -rf .venv out dist build .mypy_cache .ruff_cache .pytest_cache
