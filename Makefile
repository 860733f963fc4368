# Two commands do everything, each on a fresh machine: make demo, make test.

PYTHON ?= python3
VENV := .venv
LABKIT := $(VENV)/bin/labkit
PYTEST := $(VENV)/bin/python -m pytest
TIMED := scripts/timed
DEMO_LAB ?= demo
WILD ?= ../shared/wild
UNIT_WORKERS ?= 2
BASE := $(LABKIT) --lab ci-base
REHEARSE = LABKIT_FAMILY=rehearsal-el9 $(LABKIT) --lab rehearse

.PHONY: help demo test quick test-vagrant test-hosts unit courses processes loads integration machines base rehearse-el9 smoke wild lint docs tutorial test-docs pictures engine browser speller clean
.DEFAULT_GOAL := help

help:  ## this list
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

# The demo's machines go at the end, its report stays; KEEP=1 leaves the machines to look at.
demo: $(VENV)/ready engine  ## three machines, thirteen steps, a mark and its report
	$(LABKIT) --lab $(DEMO_LAB) up
	$(LABKIT) --lab $(DEMO_LAB) step all
	$(LABKIT) --lab $(DEMO_LAB) grade
	@test -n "$(KEEP)" || $(LABKIT) --lab $(DEMO_LAB) destroy 2>/dev/null

test: export ENGINE_DATA = memory
test: $(VENV)/ready engine  ## everything, the embedded lab included; half an hour on two cores, an hour on slow ones
	@scripts/room; scripts/suite

lane/%:  # of scripts/suite, for which make carries them out side by side
	@scripts/suite --lane $*

quick: $(VENV)/ready engine lint unit  ## style, types, unit tests, a handful of tests on one lab
	$(PYTEST) tests/integration/test_1_demo.py -k "idempotent or refuses or catch_up or plan"

test-vagrant: $(VENV)/ready engine  ## three real virtual machines (root; by software emulation where there is no KVM)
	$(PYTEST) tests/vagrant

test-hosts: $(VENV)/ready engine  ## a lab on each kind of host that can be made here, and the table of the pages
	$(VENV)/bin/python -m scripts.hosts

unit: $(VENV)/ready  ## tests without machines or processes
	$(TIMED) $@ $(PYTEST) tests/unit -n $(UNIT_WORKERS) --dist loadfile

# Each in a process of its own: a course's packages are called steps and checks, as ours are.
courses: $(VENV)/ready  ## types and tests of the other courses, without machines
	$(TIMED) $@ sh -ec 'for one in courses/*/; do cd $(CURDIR)/$$one; \
		$(CURDIR)/$(VENV)/bin/mypy --config-file $(CURDIR)/pyproject.toml course subject steps checks tests; \
		$(CURDIR)/$(VENV)/bin/python -m pytest tests --rootdir .; \
		NO_MKDOCS_2_WARNING=1 $(CURDIR)/$(VENV)/bin/mkdocs build --strict --quiet --site-dir $(CURDIR)/site/$$one; done'

processes: $(VENV)/ready  ## tests with processes and servers on this computer alone
	$(TIMED) $@ $(PYTEST) tests/processes -n 2 --dist loadfile

loads: $(VENV)/ready  ## tests with loads on this computer alone: they measure
	$(TIMED) $@ $(PYTEST) tests/loads -n 2 --dist loadfile

integration: $(VENV)/ready engine  ## tests on the real embedded lab
	$(PYTEST) tests/integration

lab/%: $(VENV)/ready  # one file of the tests, on a lab of its own
	$(TIMED) $* $(PYTEST) $*

# The images, and new machines of them: those of `base`.
machines: $(VENV)/ready engine
	$(BASE) destroy 2>/dev/null
	$(TIMED) $@ $(BASE) up

# A lab with all steps done, from which the tests clone theirs.
base: $(VENV)/ready engine
	$(TIMED) $@ sh -ec '$(BASE) up; LABKIT_CHECKPOINTS=0 $(BASE) step all; $(BASE) save finished; $(BASE) down'

# Machines that have been through it before would prove nothing; KEEP=1 leaves them to look at.
# Unless the mark is full grade ends in an error, and so does this. The hardened step comes last: it
# has a branch of its own on el9, and grade would go on to all the drills of the mention.
rehearse-el9: $(VENV)/ready engine  ## the steps of el9 on Debian dressed as el9 (not Rocky), graded
	$(REHEARSE) destroy 2>/dev/null
	$(REHEARSE) up
	$(REHEARSE) step all && $(REHEARSE) grade && $(REHEARSE) step 13 --bar hardened; code=$$?; \
	test -n "$(KEEP)" || $(REHEARSE) destroy 2>/dev/null; exit $$code

smoke: $(VENV)/ready engine  ## is the grader right? a small part of the corpus, two minutes
	$(TIMED) $@ $(LABKIT) verify --smoke

wild: $(VENV)/ready engine  ## folders of strangers (WILD=FOLDER, ONLY=WORD,WORD) against what is expected of each
	$(VENV)/bin/python -m scripts.wild "$(WILD)" "$(ONLY)" wild

lint: $(VENV)/ready  ## style, types, import contracts
	$(TIMED) $@ sh -ec 'cd $(VENV)/bin; PATH=$$PWD:$$PATH; cd $(CURDIR); \
		ruff check .; ruff format --check .; mypy; mypy fabfile.py; mypy -p scripts; lint-imports; \
		for system in win32 darwin; do mypy --platform $$system --cache-dir .mypy_cache/$$system; done'

docs: $(VENV)/ready  ## the tutorial, built strictly
	NO_MKDOCS_2_WARNING=1 $(TIMED) $@ $(VENV)/bin/mkdocs build --strict --quiet

tutorial: $(VENV)/ready engine  ## every command of the tutorial, typed on a lab of its own
	$(PYTEST) tests/tutorial

test-docs: tutorial browser speller  ## the same, and the pages and the report read in a browser, the French
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m pytest tests/docs

# Minutes on a lab of its own, which goes at the end; a picture that shows nothing new stays.
pictures: $(VENV)/ready engine browser  ## the pictures of the tutorial, made anew on a real lab
	$(VENV)/bin/python -m scripts.pictures

browser:  ## a Chromium, installed if need be and allowed
	@scripts/browser

speller:  ## a grammar checker for French, installed if need be and allowed
	@scripts/speller

engine:  ## a Docker Engine that answers, installed and started if need be and allowed
	@scripts/engine

$(VENV)/ready: requirements.lock pyproject.toml scripts/venv
	scripts/venv $(PYTHON) $(VENV)

clean:  ## remove what this Makefile made (labs: labkit destroy)
	rm -rf $(VENV) site .pytest_cache .mypy_cache .ruff_cache
