# Two commands do everything on a fresh machine: make demo, make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: demo test check tests bench docs test-torch test-openvino clean

demo: $(STAMP)  ## teach, evaluate, look, forget on real pictures of solar cells
	$(BIN)/foveal demo --output demo-output

test: check tests  ## everything that must hold

check: $(STAMP)
	$(BIN)/ruff format --check -q src tests benchmarks
	$(BIN)/ruff check -q src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

tests: $(STAMP)
	$(BIN)/python -m pytest

bench: $(STAMP)  ## measure, against peers where they are installed
	$(BIN)/python -m benchmarks

docs: $(STAMP)  ## write the reference pages from the code
	$(BIN)/python -m docs.generate

test-torch:  ## parity with PyTorch, in an environment of its own
	$(PYTHON) -m venv .venv-torch
	.venv-torch/bin/python -m pip install -q -r requirements.lock "torch==2.13.0"
	.venv-torch/bin/python -m pip install -q --no-deps -e .
	.venv-torch/bin/python -m pytest tests/backbones

test-openvino:  ## the OpenVINO runtime, in an environment of its own
	$(PYTHON) -m venv .venv-openvino
	.venv-openvino/bin/python -m pip install -q -r requirements.lock openvino
	.venv-openvino/bin/python -m pip install -q --no-deps -e .
	.venv-openvino/bin/python -m pytest tests/runtime

$(STAMP): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	touch $(STAMP)

clean:
	rm -rf $(VENV) .venv-torch .venv-openvino demo-output build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
