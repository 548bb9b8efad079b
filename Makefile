# Every verb a user needs. `make` alone prints this help.
PYTHON ?= python3
VENV ?= .venv
LICENCE ?= any
STATED := $(if $(filter stated,$(LICENCE)),-stated)
NAME ?= nabd-base$(STATED)
OUT ?= models/mine
DATA := build/data$(STATED)
ENCODER ?= ../shared/encoder/multilingual-e5-small-arfaen
PORT ?= 8000
RECIPE ?= $(if $(STATED),heads,finetune)
BIN := $(VENV)/bin
NABD := $(BIN)/nabd
PIP := $(BIN)/pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo serve test lint audit data encoder train distil evaluate ablation retrain bench soak docs clean

help: ## Print this help
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

# Set-up: one stamp an extra; pyproject.toml is what they depend on.
$(VENV):
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Nabd needs Python 3.11 or newer; make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: pyproject.toml | $(VENV)
	$(PIP) -e .
	@touch $@

$(VENV)/.serve: pyproject.toml $(VENV)/.base
	$(PIP) -e '.[serve]'
	@touch $@

$(VENV)/.train: pyproject.toml | $(VENV)
	$(PIP) 'torch==2.13.0'
	$(PIP) -e '.[train]'
	@touch $@ $(VENV)/.base

$(VENV)/.dev: pyproject.toml $(VENV)/.train
	$(PIP) -e '.[dev,serve,report,tracing]'
	@touch $@ $(VENV)/.serve

$(VENV)/.bench: pyproject.toml $(VENV)/.train
	$(PIP) -e '.[bench,serve]'
	@touch $@

demo: $(VENV)/.base ## Score the demo export (base install only, nothing heavy)
	@mkdir -p build
	@$(NABD) score data/demo.csv -o build/demo.scored.csv

serve: $(VENV)/.serve ## Start the API and the console on this machine (PORT=8000)
	@$(NABD) serve --port $(PORT)

test: $(VENV)/.dev lint ## Check the style, the types, the imports, then run every test
	$(BIN)/pytest

lint: $(VENV)/.dev ## Ruff, mypy, bandit and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit -q -r pipeline -x pipeline/training,pipeline/synthetic
	$(BIN)/bandit -q -r pipeline/training pipeline/synthetic --skip B311 # they draw samples, no secrets

audit: $(VENV)/.dev ## Look up what is installed for known weaknesses (needs the network)
	@mkdir -p build
	$(BIN)/pip freeze --exclude-editable | sed 's/\(==[^+]*\)+.*/\1/' > build/installed.txt
	$(BIN)/pip-audit --strict --disable-pip --no-deps -r build/installed.txt

$(DATA)/report.json: $(wildcard pipeline/training/labels/*.csv) | $(VENV)/.train
	$(NABD) data --licence $(LICENCE) -o $(DATA)

data: $(DATA)/report.json ## Gather the labelled sources (NABD_DATA_DIR=folder, LICENCE=stated)

encoder: $(DATA)/report.json ## Export the encoder as it is to int8 ONNX (ENCODER=folder)
	$(NABD) encoder $(ENCODER) --data $(DATA) -o models/encoder-frozen

train: $(DATA)/report.json ## Train nabd-base (RECIPE=finetune or heads, LICENCE=stated, NAME=folder)
	$(NABD) train --data $(DATA) --name $(NAME) --recipe $(RECIPE) --source $(ENCODER) --encoder encoder$(if $(STATED),-frozen)

distil: $(DATA)/report.json ## Teach nabd-fast what nabd-base says; write nabd-cascade
	$(NABD) distil --data $(DATA)

evaluate: $(DATA)/report.json ## Score the held-out sets; write metrics, cards and docs/results*.md
ifeq ($(STATED),)
	$(NABD) evaluate --data $(DATA) --name nabd-fast --docs docs/results-fast.md --no-baselines
	$(NABD) evaluate --data $(DATA) --name nabd-cascade --docs docs/results-cascade.md --no-baselines
endif
	$(NABD) evaluate --data $(DATA) --name $(NAME) --docs docs/results$(STATED).md

retrain: $(VENV)/.train ## Learn your own labels (DATA=my_labels.csv, OUT=models/mine)
	$(NABD) retrain $(DATA) -o $(OUT)

ablation: $(DATA)/report.json ## What mapped, gold, read and authored rows each add; write docs/ablation.md
	$(BIN)/python -m pipeline.training.ablation $(DATA)

bench: ENCODER := $(or $(patsubst %/config.json,%,$(wildcard build/finetuned-nabd-base/config.json)),$(ENCODER))
bench: $(VENV)/.bench ## Time Nabd beside torch, fastText and TF-IDF, and the service under load (needs wrk); write docs/bench.md and others
	$(BIN)/python -m pipeline.training.bench $(ENCODER) --data $(DATA)
	$(BIN)/python -m pipeline.training.tradeoff $(DATA)
	$(BIN)/python -m pipeline.service.load

soak: $(VENV)/.bench ## Put the service under load for more than an hour (needs wrk); write docs/reliability.md
	$(BIN)/python -m pipeline.service.load --soak

docs: $(VENV)/.base ## Write docs/settings.md, labels.md and commands.md from the code
	$(BIN)/python -m pipeline.docs

clean: ## Remove what the verbs above made, but not the environment
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache
