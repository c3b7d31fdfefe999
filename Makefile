# A fresh machine needs Python 3.11+, pip and make. Everything else goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed

.PHONY: install demo test faults lint audit release docs tables rehearse model bench gpu-check real clean

install: $(STAMP) ## create .venv, install the package with its exact tested versions, and compile the kernels

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --compile-bytecode --editable ".[dev]"
	$(BIN)/python -m splice_exp.solvers.kernels
	touch $(STAMP)

demo: install ## a few images and their concepts, then an ablation on the synthetic benchmark: table, figures, records
	$(BIN)/python -m splice_exp experiment=quickstart
	$(BIN)/python -m splice_exp experiment=ablation_nonneg table=ablation_nonneg_member0
	$(BIN)/python scripts/compare_tables.py quickstart ablation_nonneg_member0

test: install ## all tests, two at a time; tests that share something slow run where it is
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup

faults: install ## kills, signals, full disks, damaged files and clocks: all that commands must survive, some with make faults ONLY="kill sweep"
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.faults $(ONLY)

lint: install ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

audit: install ## known weaknesses of the versions in constraints.txt; skipped, and said so, where no one can be asked
	$(BIN)/python scripts/audit.py

release: install ## sdist and wheel in dist, checked and tried in an empty environment, with make demo of the sdist; uploads nothing
	$(BIN)/python scripts/check_release.py --demo

docs: install ## the site, in docs/_build/html; tutorials run when what they depend on has changed
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable ".[dev,docs]"
	$(BIN)/python -m sphinx -b html -W --keep-going docs docs/_build/html

tables: install ## the committed tables, those on real embeddings with make tables REAL=folder
	$(BIN)/python scripts/make_tables.py $(if $(REAL),--real "$(REAL)")

rehearse: install ## every published setting on miniature stand-ins, some with make rehearse ONLY="sith linearity"
	$(BIN)/python -m scripts.rehearsal $(ONLY)

model: install ## train the small CLIPs of the synthetic benchmark again, each in an hour and a half; SCENES_MEANS then needs their new digests
	for seed in 0 1 2; do \
		$(BIN)/python scripts/train_scenes_clip.py --seed $$seed && \
		$(BIN)/python -m splice_exp estimate-mean splice_exp/assets/scenes_clip/$$seed/image_mean.safetensors \
			backbone.member=$$seed data=scenes data.split=train data.num_samples=4096 || exit 1; \
	done

bench: install real ## speed of the solvers: make bench REAL=folder
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable ".[dev,bench]"
	$(BIN)/python benchmarks/bench_solvers.py "$(REAL)" --large

gpu-check: install ## is the GPU of this machine used rightly, and how well: at most six minutes; with make gpu-check REAL=folder on real rows
	$(BIN)/python benchmarks/gpu_check.py $(if $(REAL),--real "$(REAL)")

real:
	@test -d "$(REAL)/embeddings" || { echo "REAL is '$(REAL)', but must be a folder of real embeddings: make bench REAL=folder"; exit 1; }

clean: ## remove what was built, not what was computed
	rm -rf $(VENV) build dist docs/_build docs/generated .mypy_cache .ruff_cache .hypothesis .import_linter_cache
