# Each target does its own set-up: a fresh machine needs Python 3.11 or later and make, nothing else.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# Half as many again as cores: tests wait for servers, and for processes that they start.
JOBS   ?= $(shell echo $$(( $$(nproc 2>/dev/null || echo 2) * 3 / 2 )))

.PHONY: demo test check lint format soak soak-tests bench bench-detect bench-extract bench-names shots wheel licences clean

$(READY): pyproject.toml constraints.txt hatch_build.py piiscan/passes/passes.c piiscan/passes/logs.h piiscan/ner/lexer.c
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is wanted: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "setting up $(VENV) (once; a few minutes with an empty pip cache)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(READY)   ## build the fixture share, scan it as a tree and as a bucket, ask SQL, send an alert
	@$(BIN)/python -m fixtures.demo

# A child process of a test that compiles all modules anew takes a third longer.
test: export PYTHONDONTWRITEBYTECODE =
test: $(READY)   ## all tests
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

lint: $(READY)   ## formatting, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

check: lint test   ## everything that CI runs
	@$(BIN)/piiscan rules check

format: $(READY)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

soak: $(READY)   ## the bars at full size, each resumable; one JSON line a bar in bench/results/
	@$(BIN)/python -m bench.soak $(BARS)

soak-tests: $(READY)   ## all tests, with those that repeat at length what shorter ones show
	@PIISCAN_SOAK=1 $(BIN)/python -m pytest -n $(JOBS) --dist worksteal

bench: $(READY)   ## scan speed beside ripgrep, on two sizes
	@$(BIN)/python -m bench.speed

bench-detect: $(READY)   ## scan speed beside other detectors; DETECT="--python OTHER/bin/python" says where they are installed
	@$(BIN)/python -m bench.detect $(DETECT)

bench-names: $(READY)   ## names beside a spaCy pipeline; NAMES="FILE_OR_FOLDER"
	@$(BIN)/python -m bench.names $(NAMES)

bench-extract: $(READY)   ## extraction beside other readers; EXTRACT="--python OTHER/bin/python FOLDER"
	@$(BIN)/python -m bench.extract $(EXTRACT)

shots: $(READY)   ## the README's terminal picture, out of the real demo
	@$(BIN)/python -m fixtures.shots docs/demo.svg

wheel: $(READY)
	@$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

licences: $(READY)   ## every distribution of the base install and of each extra is on the allow list
	@$(BIN)/python -m bench.licences

clean:
	rm -rf $(VENV) dist build demo-out .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis
