# Two commands do everything on a fresh machine: make demo, make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export PYTHONDONTWRITEBYTECODE := 1

QUIET := -q --disable-pip-version-check

# A new environment with exactly what the lock names, and this package in place.
define install
$(PYTHON) -m venv $(1)
$(1)/bin/python -m pip install $(QUIET) --require-hashes -r requirements.lock
$(1)/bin/python -m pip install $(QUIET) --no-deps --no-build-isolation -e .
endef

.PHONY: demo test check tests bench docs lock test-torch test-openvino clean

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

lock:  ## pin every package by hash again, after pyproject.toml changed; FRESH=--upgrade takes newer ones
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install $(QUIET) "pip-tools>=7.5,<8"
	.venv-lock/bin/pip-compile -q $(FRESH) --extra dev --generate-hashes --strip-extras --allow-unsafe --no-header \
		--no-annotate --no-emit-index-url --no-emit-find-links --no-emit-options -o requirements.lock pyproject.toml
	sed -i -e '/^# WARNING: pip/d' -e '/^# Consider using/d' -e '/^foveal @/d' requirements.lock  # itself is no requirement

test-torch:  ## parity with PyTorch, in an environment of its own
	$(call install,.venv-torch)
	.venv-torch/bin/python -m pip install $(QUIET) "torch==2.13.0"
	.venv-torch/bin/python -m pytest tests/backbones

test-openvino:  ## the OpenVINO runtime, in an environment of its own
	$(call install,.venv-openvino)
	.venv-openvino/bin/python -m pip install $(QUIET) --no-build-isolation -e ".[openvino]"
	.venv-openvino/bin/python -m pytest tests/runtime

$(STAMP): pyproject.toml requirements.lock
	$(call install,$(VENV))
	touch $(STAMP)

clean:
	rm -rf $(VENV) .venv-torch .venv-openvino .venv-lock demo-output build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
