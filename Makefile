# osteolens: the short way to every stage. `make help` lists the targets.
PYTHON ?= python3
VENV   ?= .venv
CONFIG ?= configs/btxrd256.yaml
DATA   ?=
IMAGE  ?=
INPUT_DIR ?=
CHECKPOINT ?=
# a pip index with CPU-only builds of torch and torchvision, for a small installation; see the README
TORCH_INDEX ?=

OSTEOLENS := $(VENV)/bin/osteolens
OPTIONS   := --config $(CONFIG) $(if $(DATA),--data $(DATA))
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install download quickstart test lint format all audit split train train-all evaluate gradcam infer report clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z%-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) ## make .venv and install osteolens with the tested versions

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("osteolens needs Python 3.10 or newer" if sys.version_info < (3, 10) else 0)'
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(if $(TORCH_INDEX),$(VENV)/bin/python -m pip install -c constraints.txt --index-url $(TORCH_INDEX) torch torchvision)
	$(VENV)/bin/python -m pip install -c constraints.txt -e '.[dev]'
	touch $@

download: $(INSTALLED) ## fetch BTXRD (0.84 GB) to DATA, by default data/btxrd; goes on after a break
	$(OSTEOLENS) download $(if $(DATA),--data $(DATA))

quickstart: $(INSTALLED) ## the whole job, offline, on generated radiographs, in minutes
	$(OSTEOLENS) phantom --config configs/quickstart.yaml
	@echo "report:" && $(OSTEOLENS) run --config configs/quickstart.yaml

test: $(INSTALLED) ## run the test suite with coverage
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -n auto --cov --cov-report=term

lint: $(INSTALLED) ## formatting, lint, types, import layers
	$(VENV)/bin/ruff format --check src tests benchmarks
	$(VENV)/bin/ruff check src tests benchmarks
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

format: $(INSTALLED) ## format the code
	$(VENV)/bin/ruff format src tests benchmarks
	$(VENV)/bin/ruff check --fix src tests benchmarks

all: $(INSTALLED) ## the main job on DATA with CONFIG: audit to report
	$(OSTEOLENS) run $(OPTIONS)

audit: $(INSTALLED) ## count, check and picture DATA
	$(OSTEOLENS) audit $(OPTIONS)

split: $(INSTALLED) ## write the split manifests
	$(OSTEOLENS) split --all-splits $(OPTIONS)

train: $(INSTALLED) ## train on training.split_strategy
	$(OSTEOLENS) train $(OPTIONS)

train-%: $(INSTALLED) ## train on one scheme; side by side with make -j2 train-case train-center
	$(OSTEOLENS) train $(OPTIONS) --split $*

train-all: $(INSTALLED) ## train on every scheme in data.split_schemes
	$(OSTEOLENS) train --all-splits $(OPTIONS)

evaluate: $(INSTALLED) ## predictions and figures of every scheme
	$(OSTEOLENS) eval --all-splits $(OPTIONS)

gradcam: $(INSTALLED) ## galleries and map scores of every scheme
	$(OSTEOLENS) gradcam --all-splits $(OPTIONS)

infer: $(INSTALLED) ## answer for IMAGE=file or INPUT_DIR=folder with CHECKPOINT=file
	$(OSTEOLENS) infer --config $(CONFIG) --gradcam $(if $(IMAGE),--image $(IMAGE)) \
	  $(if $(INPUT_DIR),--input-dir $(INPUT_DIR)) $(if $(CHECKPOINT),--checkpoint $(CHECKPOINT))

report: $(INSTALLED) ## one HTML page on all finished runs
	$(OSTEOLENS) report --config $(CONFIG)

clean: ## remove generated data, caches and results of the quickstart
	rm -rf data/phantom results/quickstart checkpoints/quickstart_* cache
