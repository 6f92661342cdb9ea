# What a machine with Python 3.11 and make can do:
#
#   make demo    explain the example photograph
#   make test    check style, types, layers, and run the tests
#   make lint    the checks without the tests
#   make clean   remove the environment and the caches
#
# The first call makes .venv and installs exactly what constraints.txt pins (2 GB, a few minutes); later calls start at once.
# Another interpreter or folder: make test PYTHON=python3.12 VENV=.venv-other

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
EXAMPLE := IDRiD_18

export GOMP_SPINCOUNT := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.DELETE_ON_ERROR:
.PHONY: demo test lint clean

demo: $(STAMP)
	$(BIN)/retinai explain examples/$(EXAMPLE).jpg --output explanations
	@echo "The overlay is explanations/$(EXAMPLE)/overlay.png"

test: lint
	$(BIN)/python -m pytest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports --no-logo

# torch and torchvision come from one command, or pip moves one of them. The constraints are in the environment because they
# hold for the build's own setuptools too. Both OpenCV distributions unpack into one folder: the headless one comes last and is
# the one that is used, since it needs no system library (libGL, glib).
$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@echo "installing what constraints.txt pins into $(VENV) (2 GB, a few minutes)"
	PIP_CONSTRAINT=constraints.txt $(BIN)/pip install -qq --no-compile --editable '.[dev]'
	PIP_CONSTRAINT=constraints.txt $(BIN)/pip install -qq --no-compile --force-reinstall --no-deps opencv-python-headless
	touch $@

clean:
	rm -rf $(VENV) *.egg-info .pytest_cache .ruff_cache .import_linter_cache .hypothesis
