# Every target creates what it needs. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
COLAB := .venv-colab
CLASSROOM := .venv-classroom
SCALE := .venv-scale
COLAB_PYTHON ?= $(shell python3.12 -c 'import sys; print(sys.executable)' 2>/dev/null || echo python3)
PIP := -m pip install -qq --disable-pip-version-check
TEST := -m pytest -n 2 --dist=loadfile --nbval-lax --nbval-current-env --nbval-cell-timeout=300 tests notebooks

.DEFAULT_GOAL := help
.PHONY: help run test data lesson exercise book book-test student results lab lint format lock bench test-colab test-newest \
	test-scale classroom-test address clean
.DELETE_ON_ERROR:

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# with ENGINE=ray, Ray's environment runs them
run: $(if $(filter ray,$(ENGINE)),$(SCALE)/.ready,$(READY)) ## every lesson in the quick budget, gallery in build/index.html (one: LESSON=02; on Ray: ENGINE=ray)
	@AE_BUDGET=$${AE_BUDGET:-quick} $(if $(filter ray,$(ENGINE)),$(SCALE)/bin,$(BIN))/python -m scripts.run $(LESSON) \
		$(if $(ENGINE),--engine $(ENGINE))

test: $(READY) ## unit tests, checks of the notebooks, and every notebook executed in the quick budget
	AE_BUDGET=quick $(BIN)/python $(TEST)

data: $(READY) ## fetch and verify all data sets, into data/ or AE_DATA_DIR
	@$(BIN)/python -m scripts.fetch

lesson: $(READY) ## execute one lesson in place, full budget, and stamp it: make lesson N=01 (FORCE=1)
	@test -n "$(N)" || { echo "Which lesson? For example: make lesson N=01"; exit 2; }
	@$(BIN)/python -m scripts.lesson $(N) $(if $(FORCE),--force)

exercise: $(READY) ## the same for the solved exercises of one lesson: make exercise N=01
	@test -n "$(N)" || { echo "Which lesson's? For example: make exercise N=01"; exit 2; }
	@$(BIN)/python -m scripts.lesson $(N) --exercise $(if $(FORCE),--force)

book: $(READY) ## a site of all lessons and solved exercises, from the committed notebooks: build/book/index.html
	@$(BIN)/python -m scripts.book

book-test: book ## look at it in Chromium, without a network: links, search, phones, axe-core (needs npm)
	@npm install --silent --no-audit --no-fund --prefix build/axe axe-core@4.14.1
	$(BIN)/python -m pytest --noconftest tests/book_browser.py

student: $(READY) ## the students' notebooks, from notebooks/exercises/*.ipynb
	@$(BIN)/python -m scripts.student

results: $(READY) ## the tables of README and docs/, from results/*.json
	@$(BIN)/python -m scripts.results

lab: $(READY) ## open the lessons in JupyterLab
	$(BIN)/jupyter lab --notebook-dir=notebooks

lint: $(READY) ## ruff: rules and format, of code and notebooks; spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

format: $(READY) ## let ruff repair what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(BIN)/python ## the newest versions that fit requirements.txt, into requirements-lock.txt
	@$(BIN)/python $(PIP) uv
	$(BIN)/uv pip compile --no-config --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--custom-compile-command "make lock" --group dev --group book --output-file requirements-lock.txt requirements.txt

bench: $(READY) ## measure the course's speed, into results/bench.json
	@$(BIN)/python -m scripts.bench

test-colab: $(COLAB)/.ready ## the tests again, with the versions that Colab has
	AE_BUDGET=quick $(COLAB)/bin/python $(TEST)

test-newest: $(BIN)/python ## the tests with the newest releases, no lock (for CI: it changes .venv)
	@echo "Installing the newest releases into $(VENV) ..."
	@$(BIN)/python $(PIP) --upgrade pip
	@$(BIN)/python $(PIP) --upgrade -r requirements.txt --group dev --group book
	@rm -f $(READY)
	AE_BUDGET=quick $(BIN)/python $(TEST)

test-scale: $(SCALE)/.ready ## lesson 19 and its tests with Ray, in an environment of its own (half a GB more)
	AE_BUDGET=quick $(SCALE)/bin/python -m pytest -p no:xdist --nbval-lax --nbval-current-env --nbval-cell-timeout=600 \
		tests/test_scaling.py tests/test_scaling_ray.py notebooks/19_*.ipynb notebooks/exercises/19_*_solved.ipynb

classroom-test: $(CLASSROOM)/.ready ## nbgrader grades two of the exercises
	$(CLASSROOM)/bin/python -m pytest --noconftest tests/classroom.py

address: $(READY) ## put the repository's address everywhere: make address REPO=owner/name
	@test -n "$(REPO)" || { echo "Which repository? For example: make address REPO=owner/name"; exit 2; }
	@$(BIN)/python -m scripts.address $(REPO)

clean: ## remove build/, the environments and the caches (downloaded data stays)
	rm -rf build .venv .venv-colab .venv-classroom .venv-scale .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# $(call new-venv,PYTHON,FOLDER): an empty environment, of a Python that TensorFlow has wheels for
define new-venv
@$(1) -c 'import sys; v = sys.version_info[:2]; sys.exit(not (3, 11) <= v < (3, 14))' || { \
	echo "$(1) is not a Python 3.11, 3.12 or 3.13, which TensorFlow needs. Say which one to use: make PYTHON=python3.12 ..."; exit 1; }
@$(1) -m venv --clear $(2) || { echo "Could not create $(2); on Debian or Ubuntu: apt install python3-venv"; exit 1; }
endef

$(BIN)/python:
	$(call new-venv,$(PYTHON),$(VENV))

$(READY): requirements-lock.txt | $(BIN)/python
	@echo "Installing the course's packages into $(VENV) (about 1 GB, a few minutes the first time) ..."
	@$(BIN)/python $(PIP) --require-hashes -r requirements-lock.txt
	@touch $@

$(COLAB)/bin/python:
	$(call new-venv,$(COLAB_PYTHON),$(COLAB))

$(COLAB)/.ready: requirements-colab.txt | $(COLAB)/bin/python
	@echo "Installing Colab's versions into $(COLAB) ..."
	@$(COLAB)/bin/python $(PIP) -r requirements-colab.txt
	@touch $@

$(SCALE)/bin/python:
	$(call new-venv,$(PYTHON),$(SCALE))

$(SCALE)/.ready: requirements-lock.txt requirements-scale.txt | $(SCALE)/bin/python
	@echo "Installing the course's packages and Ray into $(SCALE) (about 1.5 GB) ..."
	@$(SCALE)/bin/python $(PIP) --require-hashes -r requirements-lock.txt
	@$(SCALE)/bin/python $(PIP) -r requirements-scale.txt
	@touch $@

$(CLASSROOM)/bin/python:
	$(call new-venv,$(PYTHON),$(CLASSROOM))

# nbgrader's environment executes notebooks in the course's own
$(CLASSROOM)/.ready: requirements-classroom.txt $(READY) | $(CLASSROOM)/bin/python
	@echo "Installing nbgrader into $(CLASSROOM) ..."
	@$(CLASSROOM)/bin/python $(PIP) -r requirements-classroom.txt
	@$(BIN)/python -m ipykernel install --prefix $(CLASSROOM) --name python3 --display-name "Python 3"
	@touch $@
