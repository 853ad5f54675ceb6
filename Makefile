# Thin over the `labs` command: everything real happens in labs/.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
# pip's and uv's settings count where they say how packages are reached, not where they go.
REACH := $(BIN)/python -I locks/reach.py

# Both are given on the command line only: in a shell they are meant for other programs.
ifneq ($(origin PYTHON),command line)
PYTHON := python3
endif
# make study CLUSTER=compose: the variable that every command and notebook looks at.
ifeq ($(origin CLUSTER),command line)
export LABS_CLUSTER := $(CLUSTER)
endif

# So are these. (PYTHONPATH's folders come last in our environment; the others tell of the terminal.)
unexport BASH_ENV ENV CDPATH GREP_OPTIONS
unexport $(filter-out PYTHON PYTHONPATH PYTHONIOENCODING,$(filter PYTHON%,$(.VARIABLES)))

# `make -j` would have two recipes install at once.
.NOTPARALLEL:

# An environment names its own folder: in one that was moved, nothing would start. So it is made anew.
ifneq ($(wildcard $(VENV)/uv),)
$(shell test "$$(cat $(VENV)/place 2>/dev/null)" -ef . || rm -rf $(VENV))
endif

.PHONY: help setup study update test test-browser test-exercises test-compose soak lint bench notebooks down lock

help:   ## Show what there is
	@awk -F ':[^#]*## ' '/^[a-z-]+: .*##/ { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

study: $(VENV)/study.done ## Open the notebooks in JupyterLab, on a live cluster
	@$(BIN)/labs study

setup: $(VENV)/study.done ## Install everything and fetch Kafka (SERVICES=all: the servers beside it, too)
	@case "$(SERVICES)" in ''|all) ;; *) echo "SERVICES is all, or not set." >&2; exit 2;; esac
	@$(BIN)/labs setup $(if $(SERVICES),--services)

update: ## Bring the newest chapters; what you have changed is kept
	@$(firstword $(wildcard $(BIN)/python) $(PYTHON)) -I -c 'import sys; sys.path.insert(0, "."); \
	  from labs.app.update import main; main()'

test: $(VENV)/test.done ## Run every check and every test, notebooks included
	@$(BIN)/python -m tests.run

test-browser: $(VENV)/test.done ## Press every panel of every chapter in Chromium (`make test`: one a chapter)
	@$(BIN)/python -m tests.run panels

test-exercises: $(VENV)/test.done ## Judge each exercise's solution and wrong answers five times, with new seeds
	@$(BIN)/python -m tests.run $(foreach round,1 2 3 4 5,exercises)

test-compose: $(VENV)/test.done ## Test the cluster in containers (needs Docker)
	@$(BIN)/python -m tests.run compose

soak: $(VENV)/test.done ## Minutes of random faults by the commands (MINUTES=15 SEED=…)
	@$(BIN)/python -m tests.soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED))

lint: $(VENV)/test.done ## Check format, style, types, and who imports whom
	@$(BIN)/python -m tests.run lint

bench: $(VENV)/test.done ## Measure start-up, memory and failover
	@$(BIN)/python -m tests.bench

notebooks: $(VENV)/test.done ## For maintainers: run every chapter's text, save it as a notebook (CHAPTER=03: one; BUSY=1: on a busy machine, too)
	@$(BIN)/python -m tests.save_notebooks $(if $(BUSY),--busy) $(CHAPTER)

down:   ## Stop the cluster
	@if [ -x $(BIN)/labs ]; then $(BIN)/labs down; else echo "Nothing is installed, so nothing runs."; fi

lock: $(VENV)/test.done ## For maintainers: renew every lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header \
	  --upgrade --extra setup pyproject.toml -o locks/study.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header \
	  --constraint locks/study.txt --extra setup --extra test pyproject.toml -o locks/test.txt
	$(BIN)/python -m labs.kafka.jars
	for wanted in locks/services/*.in; do $(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 \
	  --no-header --upgrade --constraint locks/study.txt $$wanted -o $${wanted%.in}.txt || exit 1; done
	for kind in $$(basename -s .py labs/services/kinds/[a-z]*.py); do $(BIN)/python -m labs.services.kinds.$$kind || exit 1; done
	$(BIN)/python -m tests.load
	$(BIN)/python -m tests.wheels

# Whoever may not write here is told so, before Python tells it in words of its own.
OURS = for place in . $(wildcard $(VENV)); do test -w $$place || { \
  echo "You may not write in $$(cd $$place && pwd): clone the project into a folder of your own, and run make there." >&2; \
  exit 1; }; done

# Installing copies them; all else is used where it lies.
COPIED := labs/app/labs labs/app/own-packages-first.pth labs/app/jupyterlab.json labs/app/ipython_kernel_config.py

# The locks hold the sha256 of every package; nothing is installed that does not match.
$(VENV)/%.done: locks/%.txt pyproject.toml $(COPIED) | $(VENV)/uv
	@$(OURS)
	@echo "… installing the Python packages of locks/$*.txt"
	@$(REACH) "$$(cat $(VENV)/uv)" pip install --python $(BIN)/python --no-deps --require-hashes -r locks/$*.txt
	@$(REACH) "$$(cat $(VENV)/uv)" pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

# uv: the one on this machine, or the locked one, fetched into .venv by pip.
$(VENV)/uv:
	@$(OURS)
	@$(PYTHON) -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Python 3.11 or newer is needed, and '$(PYTHON)' is not that: install it, or name another with make PYTHON=/path/to/python3." >&2; exit 1; }
	@$(PYTHON) -I -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "Python's venv is missing: on Debian and Ubuntu, 'apt install python3-venv' brings it." >&2; exit 1; }
	@echo "… making a Python environment in $(VENV)"
	@$(PYTHON) -I -m venv --clear $(VENV)
	@printf '#!/bin/sh\n' > $(VENV)/try && chmod +x $(VENV)/try && $(VENV)/try || \
	  { echo "No program can be run in $$PWD (its disk is mounted with noexec): move this folder to another disk." >&2; exit 1; }
	@pwd -P > $(VENV)/place
	@if command -v uv >/dev/null; then command -v uv > $@; else \
	  awk '/^[a-z]/ { on = /^uv==/ } on' locks/study.txt > $(VENV)/uv.txt && \
	  $(REACH) $(BIN)/python -I -m pip install --disable-pip-version-check --require-hashes -r $(VENV)/uv.txt && \
	  echo $(BIN)/uv > $@; fi
