# `make report` runs every setting and renders the report; `make help` lists all targets.
# This works in GNU make 3.81, which macOS has. Since it has no grouped targets (&:), pattern rules with several targets are used.

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: report pages core core-pages test test-faults sweep bench lab screenshots lock font clean help FORCE

PYTHON ?= python3
VENV ?= .venv
READY := $(VENV)/.ready
RUN := $(VENV)/bin/python -m
ONE_THREAD := env OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 VECLIB_MAXIMUM_THREADS=1
# NumPy requests huge pages. On a virtual machine that can cost half a second or more in each training.
export NUMPY_MADVISE_HUGEPAGE ?= 0
JOBS = --jobs=$(shell getconf _NPROCESSORS_ONLN)

BATCHES := data_batch_1 data_batch_2 data_batch_3 data_batch_4 data_batch_5 test_batch
DATA := $(BATCHES:%=data/cifar10/%.bin)
export SETTINGS := $(wildcard notebooks/settings/*.yaml)
ODD := $(foreach mark,; & | ` $$,$(findstring $(mark),$(SETTINGS)))  # special to the shell or to make
ifneq ($(strip $(ODD))$(filter-out notebooks/settings/%.yaml,$(SETTINGS))$(wildcard notebooks/settings/*.yml),)
$(error notebooks/settings: a setting is a file NAME.yaml; its name may hold letters, digits, dots and hyphens)
endif
# A chapter N-some-name.ipynb has its modules in notebooks/some_name/ and its long trainings in the __main__.py there.
CHAPTERS := $(patsubst notebooks/%.ipynb,%,$(wildcard notebooks/[1-9]-*.ipynb))
folder = $(subst -,_,$(strip $(foreach n,1 2 3 4 5 6 7 8 9,$(patsubst $n-%,%,$(filter $n-%,$1)))))
stamp = $(patsubst notebooks/%/__main__.py,report/notebooks/.%,$(wildcard notebooks/$(call folder,$1)/__main__.py))
RUNS := $(SETTINGS:notebooks/settings/%.yaml=report/notebooks/3-setting-%.ipynb)
executed = $(if $(filter 3-setting,$1),$(RUNS),report/notebooks/$1.ipynb)
EXECUTED := $(foreach chapter,$(filter-out 3-setting,$(CHAPTERS)),$(call executed,$(chapter))) $(RUNS)
LONG := $(foreach chapter,$(CHAPTERS),$(call stamp,$(chapter)))

LIB := $(wildcard lib/*.py lib/*/*.py lib/*/*.yaml) requirements.txt data/cifar10.sha1 data/reference.yaml
SHOW := $(wildcard report/*.py)
PRINT := $(wildcard report/pipeline/*.py report/template/*)
SOURCES := lib notebooks report/*.py report/pipeline report/template Makefile requirements.txt pyproject.toml data \
    benchmarks/*.json  # as in report/pipeline/provenance.py

# Only one `make report` runs at a time, since two would write the same files. The lock is taken by the system's Python, as
# .venv may not exist yet. All cores are used unless the user gives -j, which MAKEFLAGS shows only within a recipe. The +
# lets `make -n report` list the steps of the inner make.
ALONE = +@$(PYTHON) -m report.pipeline.lock $(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,$(JOBS))

report:  ## run every setting, render report/report.html and report/report.pdf
	$(ALONE) pages

pages: report/report.html report/report.pdf
	@echo "The report is up to date: report/report.html and report/report.pdf"

core:  ## run and render only the compulsory part of the assignment, into report/core
	$(ALONE) core-pages

# Notebooks 1 and 2 depend on no other notebook, so they use the core that notebook 4 leaves free.
CORE := $(RUNS) $(addprefix report/,$(wildcard notebooks/[24]-*.ipynb notebooks/1-*.ipynb))
core-pages: $(call stamp,$(filter 4-%,$(CHAPTERS))) $(CORE)
	$(RUN) report.pipeline core

report/report%html report/report%pdf: report/results.json $(PRINT)
	$(RUN) report.pipeline render

# The notebooks come after the long trainings: they are short, so all cores finish at about the same time.
report/results.json: $(LONG) $(EXECUTED) report/notebooks/.settings report/notebooks/.commit $(wildcard report/pipeline/*.py)
	$(RUN) report.pipeline results

# One BLAS thread for each notebook, since notebooks run side by side on all cores.
report/notebooks/%.ipynb: notebooks/%.ipynb $(LIB) $(SHOW) | $(DATA) report/notebooks/.valid
	@$(ONE_THREAD) $(RUN) report.pipeline.execute $@ $<

# All settings are read before anything runs, so that a mistake in one is reported only once. Every step waits for this. After
# it, make starts the steps in the order of the prerequisites, the longest first.
report/notebooks/.valid: $(SETTINGS) lib/runs/settings.py | $(READY)
	@mkdir -p $(@D)
	@$(RUN) lib.runs
	@touch $@

# A setting's notebook depends on .settings, because its colour depends on its place among all settings.
report/notebooks/3-setting-%.ipynb: notebooks/3-setting.ipynb notebooks/settings/%.yaml report/notebooks/.settings \
    $(LIB) $(SHOW) | $(DATA) report/notebooks/.valid
	@$(ONE_THREAD) $(RUN) report.pipeline.execute $@ $< notebooks/settings/$*.yaml

# Long trainings, whose results the chapters read from data/runs. They run at the same time as other notebooks.
$(LONG): report/notebooks/.%: notebooks/%/__main__.py $(LIB) | $(DATA) report/notebooks/.valid
	@mkdir -p $(@D)
	@$(ONE_THREAD) $(RUN) notebooks.$*
	@touch $@

# A chapter depends on its folder. Its long trainings depend on the folder without charts.py and sentences.py.
depend = $(if $(call executed,$1),$(eval $(call executed,$1): $(wildcard notebooks/$(call folder,$1)/*.py) $(call stamp,$1)))
train_by = $(eval $1: $(filter-out %/charts.py %/sentences.py,$(wildcard $(patsubst report/notebooks/.%,notebooks/%,$1)/*.py)))
$(foreach chapter,$(CHAPTERS),$(call depend,$(chapter)))
$(foreach long,$(LONG),$(call train_by,$(long)))

# Further dependencies of chapters.
report/notebooks/4-comparison.ipynb: $(RUNS)
report/notebooks/.comparison report/notebooks/4-comparison.ipynb: $(SETTINGS) report/notebooks/.settings
report/notebooks/.improvements: notebooks/sweep.yaml
report/notebooks/6-binary-cross-entropy.ipynb: report/notebooks/.improvements
report/notebooks/7-reproduction.ipynb: | $(RUNS) $(filter %/.comparison,$(LONG))
report/notebooks/9-speed.ipynb: $(wildcard benchmarks/*.json)

# Values that must trigger a rebuild although no file is newer: the list of settings, and the commit that the report
# names. Each file is rewritten only when its value changes.
report/notebooks/.settings: FORCE
	@$(call keep,echo "$$SETTINGS")
report/notebooks/.commit: FORCE
	@$(call keep,git log -1 --format=%h -- $(SOURCES) 2>/dev/null; git status --porcelain -- $(SOURCES) 2>/dev/null)
keep = mkdir -p $(@D) && now=$$($(1)); \
    [ -e $@ ] && [ "$$now" = "$$(cat $@)" ] || { echo "$$now" | tee $@.new >/dev/null && mv $@.new $@; }

data/%/data_batch_1.bin data/%/data_batch_2.bin data/%/data_batch_3.bin data/%/data_batch_4.bin data/%/data_batch_5.bin \
data/%/test_batch.bin: | $(READY)
	$(RUN) lib.fetch

$(READY): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or newer is needed, found " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --disable-pip-version-check --requirement requirements.txt
	@touch $@

test: $(READY) $(DATA)  ## check style, types and security, run the tests
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy
	$(VENV)/bin/lint-imports
	$(RUN) bandit --quiet --recursive --configfile pyproject.toml lib report notebooks benchmarks
	$(RUN) pytest

test-faults: $(READY) $(DATA)  ## run the slow tests of docs/reliability.md: `make report` is killed, run twice, on a full disk
	$(RUN) pytest -m faults

# Without a cluster, the search needs the data here. The workers of a cluster have their own data or fetch them.
sweep: $(READY) $(if $(SCHEDULER),,$(DATA))  ## search the grid in notebooks/sweep.yaml; on a Dask cluster: SCHEDULER=tcp://host:port
	@$(RUN) notebooks.improvements.search $(SCHEDULER)

bench: $(READY) $(DATA)  ## compare speeds with PyTorch, JAX, scikit-learn and the machine's limit; installs the last two
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt -c requirements.txt
	$(RUN) benchmarks.bench
	$(RUN) benchmarks.report
	$(RUN) benchmarks.explore

# One BLAS thread, as above, so that a notebook run by hand rounds in the same way.
lab: $(READY) $(DATA)  ## watch a network learn, in JupyterLab; as root: LAB=--allow-root
	$(ONE_THREAD) $(VENV)/bin/jupyter lab notebooks/explore.ipynb $(LAB)

screenshots: $(READY) $(DATA)  ## take new report/screenshots of the current report and of the exploring window
	$(RUN) tests.screenshots

lock: $(READY)  ## update the pinned versions in requirements.txt to the newest that pyproject.toml allows
	$(VENV)/bin/pip install --quiet uv
	$(VENV)/bin/uv pip compile --universal --python-version 3.11 --no-annotate --no-header --upgrade pyproject.toml -o requirements.txt

# The letters of formulas, upright, italic and bold. A test fails if a formula has a character that is not listed here.
LETTERS := 20-7E,393-3A9,3B1-3C9,3F5,210E,1D400-1D467,1D5B3,1D6FC-1D716
SIGNS := D7,2016,2032,2061,2190,2202,2207,2208,2211,2212,223C,2248,2264,2265
font: $(READY)  ## rebuild report/template/STIXTwoMath.woff, a subset of the font STIX Two Math from the package ziamath
	$(VENV)/bin/pip install --quiet --disable-pip-version-check ziamath==0.13
	$(VENV)/bin/pyftsubset $(VENV)/lib/python3*/site-packages/ziamath/fonts/STIXTwoMath-Regular.ttf --flavor=woff \
	    --layout-features=ssty,dtls,flac,kern,ccmp --name-IDs=0,1,2,13,14 --unicodes=$(LETTERS),$(SIGNS) \
	    --output-file=report/template/STIXTwoMath.woff

clean:  ## remove all results and the cache, but not the data, the environment or the committed report
	rm -rf data/runs data/cifar10/.*.bin .mypy_cache .pytest_cache .ruff_cache .hypothesis
	git clean -fdqX figures report

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
