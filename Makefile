# Every target makes what it needs; `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.run
DEV := $(VENV)/.dev
BENCH := $(VENV)/.bench
DOCS := $(VENV)/.docs

.DEFAULT_GOAL := help
.PHONY: help demo test lint types imports unit test-browser slow bench fuzz-answers docs gallery lock clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(RUN) ## train the main job on the penguins: body mass from the other columns
	@$(BIN)/descend train examples/data/penguins.csv --target body_mass_g

test: lint types imports unit ## lint, types, import directions and all tests but the slow ones

lint: $(DEV)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(DEV)
	@$(BIN)/mypy

imports: $(DEV)
	@$(BIN)/lint-imports && $(BIN)/python tools/import_graph.py

unit: $(DEV)
	@$(BIN)/python -m pytest -n auto --dist loadfile

test-browser: $(DEV) ## the tests of pages in Chromium, which must be installed; part of unit where it is
	@$(BIN)/python -m pytest tests/report/test_page_script.py tests/report/test_kinds_of_pages.py

slow: $(BENCH) ## the slow tests, by name
	@$(BIN)/python -m pytest -m slow

bench: $(BENCH) ## speed against rivals, side by side; writes benchmarks/results.json
	@$(BIN)/python -m benchmarks

MINUTES ?= 3
fuzz-answers: $(DEV) ## random search for wrong answers, MINUTES=60 for an hour; writes docs/answers.md
	@$(BIN)/python -m benchmarks.answers --minutes $(MINUTES)

docs: $(DOCS) ## the pages of docs/ and a reference of the Python interface, in build/docs; warnings are errors
	@$(BIN)/python -m sphinx -q -W --keep-going docs build/docs && echo build/docs/index.html

gallery: $(DEV) ## what the project draws: reports, a check and plots, in build/gallery
	@$(BIN)/python tools/gallery.py build/gallery

lock: ## write constraints.txt from the newest versions that work together
	@$(PYTHON) -m venv $(VENV).lock && : > constraints.txt && $(VENV).lock/bin/pip install -q . && \
	  $(VENV).lock/bin/python tools/install_group.py dev && \
	  $(VENV).lock/bin/pip freeze --exclude descend | sed "s/+cpu//" > constraints.txt; rm -rf $(VENV).lock

clean: ## remove what the other targets made
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/pip: | checked
	@$(PYTHON) -m venv $(VENV)

$(RUN): pyproject.toml constraints.txt | $(BIN)/pip
	@echo "installing descend into $(VENV), once" >&2
	@$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e . && touch $@

$(DEV): pyproject.toml constraints.txt | $(RUN)
	@echo "installing what the tests need, once" >&2
	@$(BIN)/python tools/install_group.py dev && touch $@

$(BENCH): pyproject.toml constraints.txt | $(DEV)
	@$(BIN)/python tools/install_group.py bench && touch $@

$(DOCS): pyproject.toml constraints.txt | $(DEV)
	@$(BIN)/python tools/install_group.py docs && touch $@

.PHONY: checked
checked:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "make: $(PYTHON) is missing or older than 3.11; install python3.11 or set PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "make: python's venv module is missing; install python3-venv" >&2; exit 1; }
