# `make demo` and `make test` set everything up on a fresh machine; both may be repeated at any time.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
RUN    ?= fev-gan-warp
LIMIT  ?= 48
CLIPS  ?= 48000
DEVICE ?= cpu

# Compiling every file of torch ahead of time costs half a minute and is never needed.
export PIP_NO_COMPILE := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help install weights demo models test bench bench-page slow search chromium browser app precision pages leaderboard docs lint format clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(BIN)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --editable .
	@touch $@

$(BIN)/.tools: $(BIN)/.installed
	$(BIN)/python -m pip install --editable '.[dev]'
	@touch $@

install: $(BIN)/.installed ## Create .venv and install fevbench into it

weights: $(BIN)/.installed ## Pull the pretrained networks into the cache
	$(BIN)/fevbench weights pull

demo: $(BIN)/.installed ## Score one model on 48 clips of the embedded data set and show the table
	$(BIN)/fevbench run $(RUN) fevsynth --limit $(LIMIT)

models: $(BIN)/.tools ## Train every method of the tables alike, or go on with it (CLIPS=48000 DEVICE=cpu)
	$(BIN)/python benchmarks/models.py train --clips $(CLIPS) --device $(DEVICE)

# A network that cannot be had from here costs the tests that need it, and no others.
test: $(BIN)/.tools ## Run the tests (all but the slow ones)
	-$(BIN)/fevbench weights pull
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadscope

bench: $(BIN)/.tools ## Measure how long things take (see benchmarks/README.md)
	@fail=0; for script in answers backends comparing scoring set_statistics similarity; do $(BIN)/python benchmarks/$$script.py || fail=1; done; exit $$fail

bench-page: $(BIN)/.installed ## Make the tables of docs/performance.md anew from benchmarks/measured
	$(BIN)/python benchmarks/page.py

slow: $(BIN)/.tools ## Run the slow tests: reference FVD, rendering, the wheel; then, alone, the one that compares times
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow --numprocesses 2 --dist loadscope --ignore tests/parity/test_peers.py
	$(BIN)/python -m pytest -m slow tests/parity/test_peers.py

search: $(BIN)/.tools ## Look for new counterexamples to the property tests (random, ten times as many)
	HYPOTHESIS_PROFILE=search $(BIN)/python -m pytest $$(grep -rl "^from hypothesis" tests --include='test_*.py')

precision: $(BIN)/.tools ## Measure our numbers beside other packages', and write docs/precision.md
	$(BIN)/python tests/parity/precision_page.py

# It comes from the distribution: it plays H.264, and nothing is downloaded past the package manager.
chromium: ## See that there is a Chromium (as root, installs it where it is missing)
	@{ command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null \
	|| { [ "$$(id -u)" = 0 ] && apt-get update && apt-get install --yes --no-install-recommends chromium; } \
	|| { echo "error: no Chromium here: install it with apt-get install chromium" >&2; exit 1; }

browser: $(BIN)/.tools chromium ## Test the pages of the leaderboard and of human studies in Chromium
	$(BIN)/python -m pytest -m browser

# Gradio wants an older Pillow than the newest, which is not for an environment that makes results: it has one
# of its own, in which all else comes from the other.
$(VENV)-app/.tools: $(BIN)/.tools
	$(PYTHON) -m venv $(VENV)-app
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
	> "$$($(VENV)-app/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/all-else.pth"
	$(VENV)-app/bin/python -m pip install --editable '.[app]'
	@touch $@

app: $(VENV)-app/.tools chromium ## Test the page of `fevbench app` in Chromium
	$(VENV)-app/bin/python -m pytest -m app tests/app

leaderboard: $(BIN)/.installed ## Build the leaderboard's site into build/leaderboard, from the committed results
	$(BIN)/fevbench leaderboard build --out build/leaderboard

pages: $(BIN)/.tools ## Make the tables in README and docs anew from leaderboard/results
	$(BIN)/python -m leaderboard.pages

docs: $(BIN)/.tools leaderboard ## Build the documentation, the leaderboard in it, into build/docs; a broken link fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

lint: $(BIN)/.tools ## Check style, types, and which way imports point
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(BIN)/.tools ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove the environment and caches of this checkout (not the weights)
	rm -rf $(VENV) $(VENV)-app .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
