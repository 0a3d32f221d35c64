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

SERVER_EXTRAS := $(addprefix --extra=,alerts camera medical mqtt openid parquet postgres qdrant server text)
# Pins of some extras with hashes, naming no host.
define pin
.venv-lock/bin/pip-compile -q $(FRESH) $(2) --generate-hashes --strip-extras --allow-unsafe --no-header \
	--no-annotate --no-emit-index-url --no-emit-find-links --no-emit-options -o $(1) pyproject.toml
sed -i -e '/^# WARNING: pip/d' -e '/^# Consider using/d' -e '/^foveal @/d' $(1)  # itself is no requirement
endef

.PHONY: demo test test-browser check tests bench docs lock test-torch test-openvino clean

demo: $(STAMP)  ## teach, evaluate, look, forget on real pictures of solar cells
	$(BIN)/foveal demo --output demo-output

test: check tests  ## everything that must hold

check: $(STAMP)
	$(BIN)/ruff format --check -q src tests benchmarks
	$(BIN)/ruff check -q src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

tests: $(STAMP)
	$(BIN)/python -m pytest --ignore=tests/browser

test-browser: $(STAMP)  ## the page's stories in the browser that is installed, or in Debian's, which root may install
	command -v chromium chromium-browser >/dev/null || (apt-get -qq update && apt-get -qq -y install chromium >/dev/null)
	$(BIN)/python -m pytest tests/browser

bench: $(STAMP)  ## measure, against peers where they are installed
	$(BIN)/python -m benchmarks

docs: $(STAMP)  ## write the reference pages from the code
	$(BIN)/python -m docs.generate

lock:  ## pin every package by hash again, after pyproject.toml changed; FRESH=--upgrade takes newer ones
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install $(QUIET) "pip-tools>=7.5,<8"
	$(call pin,requirements.lock,--extra dev)
	$(call pin,requirements-server.lock,$(SERVER_EXTRAS) -c requirements.lock)

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
