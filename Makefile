# Two commands do everything, each on a fresh machine: make demo, make test.

PYTHON ?= python3
VENV := .venv
LABKIT := $(VENV)/bin/labkit
DEMO_LAB ?= demo
REHEARSE = LABKIT_FAMILY=rehearsal-el9 $(LABKIT) --lab rehearse

.PHONY: help demo test test-vagrant unit integration rehearse-el9 smoke lint docs tutorial test-docs pictures engine browser speller clean
.DEFAULT_GOAL := help

help:  ## this list
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

# The demo's machines go at the end, its report stays; KEEP=1 leaves the machines to look at.
demo: $(VENV)/ready engine  ## three machines, thirteen steps, a mark and its report
	$(LABKIT) --lab $(DEMO_LAB) up
	$(LABKIT) --lab $(DEMO_LAB) step all
	$(LABKIT) --lab $(DEMO_LAB) grade
	@test -n "$(KEEP)" || $(LABKIT) --lab $(DEMO_LAB) destroy 2>/dev/null

test: lint unit docs smoke integration tutorial  ## everything, the embedded lab included

test-vagrant: $(VENV)/ready engine  ## three real virtual machines (root; by software emulation where there is no KVM)
	$(VENV)/bin/python -m pytest tests/vagrant

unit: $(VENV)/ready  ## tests without machines
	$(VENV)/bin/python -m pytest tests/unit

integration: $(VENV)/ready engine  ## tests on the real embedded lab
	$(VENV)/bin/python -m pytest tests/integration

# Machines that have been through it before would prove nothing; KEEP=1 leaves them to look at.
# Unless the mark is full grade ends in an error, and so does this. The hardened step comes last: it
# has a branch of its own on el9, and grade would go on to all the drills of the mention.
rehearse-el9: $(VENV)/ready engine  ## the steps of el9 on Debian dressed as el9 (not Rocky), graded
	$(REHEARSE) destroy 2>/dev/null
	$(REHEARSE) up
	$(REHEARSE) step all && $(REHEARSE) grade && $(REHEARSE) step 13 --hardened; code=$$?; \
	test -n "$(KEEP)" || $(REHEARSE) destroy 2>/dev/null; exit $$code

smoke: $(VENV)/ready engine  ## is the grader right? a small part of the corpus, two minutes
	$(LABKIT) verify --smoke

lint: $(VENV)/ready  ## style, types, import contracts
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

docs: $(VENV)/ready  ## the tutorial, built strictly
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict --quiet

tutorial: $(VENV)/ready engine  ## every command of the tutorial, typed on a lab of its own
	$(VENV)/bin/python -m pytest tests/tutorial

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
