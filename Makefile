# make demo          analyse the sample video
# make test          run all tests
# make lint          check style, types, imports, structure and licences
# make docs          build the documentation into build/site
# make bench         measure speed and memory
# make fuzz          damage input files at random; fuzz-guided: guided by coverage
# make audit         look for known vulnerabilities in the dependencies (needs the network)
# make test-install  install the wheel in a fresh environment of each Python found, and run the demo there
# make clean         remove everything that these commands made
#
# PYTHON is the first interpreter that runs and can make environments; choose one by make PYTHON=/path/to/python.
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do \
	$$name -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
VENV := .venv
BIN := $(VENV)/bin
# One thread per process: two threads on one busy core were measured to be 100 times slower.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1

.PHONY: demo test test-install lint docs bench clean fuzz fuzz-guided audit
.DELETE_ON_ERROR:

demo: $(VENV)/.demo
	$(BIN)/earwitness demo --out demo

test: $(VENV)/.dev
	$(BIN)/pytest -q -n 2 --dist loadfile

test-install: $(VENV)/.dev
	$(BIN)/python scripts/check_install.py $(INSTALL_OPTIONS)

lint: $(VENV)/.dev
	$(BIN)/ruff check src tests bench scripts
	$(BIN)/ruff format --check src tests bench scripts
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/structure.py --check
	$(BIN)/python scripts/check_licences.py

docs: $(VENV)/.dev
	NO_MKDOCS_2_WARNING=true $(BIN)/mkdocs build --strict  # not --quiet: it hides the warnings that --strict counts
	@echo "open build/site/index.html"

bench: $(VENV)/.dev
	for script in bench/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

fuzz: $(VENV)/.dev
	$(BIN)/python scripts/fuzz.py --cases 3000

fuzz-guided: $(VENV)/.dev
	$(BIN)/pip install --quiet --disable-pip-version-check atheris
	$(BIN)/python scripts/fuzz_guided.py labels -runs=100000
	$(BIN)/python scripts/fuzz_guided.py weights -runs=20000

audit: $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check pip-audit
	$(BIN)/pip-audit --skip-editable

clean:
	rm -rf $(VENV) demo build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "earwitness needs Python 3.11 or newer with venv (on Debian: apt install python3-venv);" \
		"if it is not on the path: make PYTHON=/path/to/python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.demo: $(VENV)/.core
	-$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[vision]"
	-$(BIN)/earwitness models pull pose  # 10 MB; without it, the demo analyses the sound only, and says so
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt "torch==2.13.0" -e ".[train,parquet,serve,docs,vision,semantic,sofa,ray,dev]"
	-$(BIN)/earwitness models pull yamnet efficientnet-lite0  # without them, tests that need real weights are skipped
	touch $@ $(VENV)/.core
