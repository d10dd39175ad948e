# `make` alone lists the targets. Everything runs in .venv, which each target brings up to date first.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh
.SHELLFLAGS := -euc
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Python keeps what it has compiled, outside the source tree, also where the environment says not to: without it each
# run compiles Ansible again, for seconds.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/.cache/bytecode

# Which fleet: always one file, for the folder would merge all inventories in it into one.
INVENTORY ?= inventory/lab.yml
# Where the generated secrets go. A production fleet keeps its own with ansible-vault instead.
SECRETS ?= inventory/group_vars/lab/secrets.yml
# More arguments for ansible-playbook, e.g. ARGS='--check --diff'.
ARGS ?=

# Mitogen makes a deployment six times as fast. ansible-core means to drop such strategies one day and says so on each
# run, so it is switched on here alone, and a plain ansible-playbook works without.
FAST_ANSIBLE = ANSIBLE_STRATEGY=mitogen_linear ANSIBLE_DEPRECATION_WARNINGS=false \
	ANSIBLE_STRATEGY_PLUGINS=$$(echo $(CURDIR)/.venv/lib/python3*/site-packages/ansible_mitogen/plugins/strategy)
# It has variables for how long a host that is cut off is waited for; ansible.cfg has the same 30 s for a plain run.
FAST_VARIABLES = --extra-vars 'mitogen_ssh_keepalive_interval=5 mitogen_ssh_keepalive_count=6'
PLAYBOOK = $(FAST_ANSIBLE) ansible-playbook --inventory $(INVENTORY) $(FAST_VARIABLES)
PLAYBOOK_ALONE = $(FAST_ANSIBLE) scripts/alone ansible-playbook --inventory $(INVENTORY) $(FAST_VARIABLES)
# Of a roll a person wants to see the plan, the batches and the verdicts.
ROLL = ANSIBLE_STDOUT_CALLBACK=fleet $(PLAYBOOK_ALONE)
ROLLED = --extra-vars "service='$(SERVICE)'" $(if $(PLAN),--extra-vars plan_only=true) $(ARGS)
PYTEST = python -m pytest --junitxml=test-results/$@.xml

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: venv
venv: ## Make .venv as requirements.lock says
	@scripts/venv

##### The fleet

.PHONY: up
up: venv ## From nothing to a working application on the lab's hosts
	@scripts/alone sh -euc 'python -m lab up --inventory $(INVENTORY); $(MAKE) releases secrets deploy'

.PHONY: deploy
deploy: venv ## Make the hosts in INVENTORY what the repository says (ARGS='--check --diff' only tells)
	@python -m fleet check
	@$(PLAYBOOK_ALONE) playbooks/site.yml $(ARGS)

##### Rolling updates

.PHONY: rollout
rollout: venv ## Move SERVICE=name to RELEASE=version, old and new side by side (PLAN=1 only tells; CANARY=25% stops there)
	@$(ROLL) playbooks/rollout.yml $(ROLLED) --extra-vars "release='$(RELEASE)' canary='$(CANARY)'"

.PHONY: rollback
rollback: venv ## Take SERVICE=name back to what it was before its last roll (PLAN=1 only tells)
	@$(ROLL) playbooks/rollback.yml $(ROLLED)

.PHONY: promote
promote: venv ## Go on with the roll that stands at its canary
	@$(ROLL) playbooks/promote.yml $(ARGS)

.PHONY: abort
abort: venv ## Withdraw the roll that is unfinished, or stands at its canary
	@$(ROLL) playbooks/abort.yml $(ARGS)

.PHONY: unlock
unlock: venv ## Take the fleet's lock from a run that is dead (FORCE=1: from one that seems alive too)
	@$(ROLL) playbooks/unlock.yml $(if $(FORCE),--extra-vars force=true) $(ARGS)

.PHONY: history
history: venv ## List what has been rolled, by whom, and what became of it
	@ANSIBLE_STDOUT_CALLBACK=fleet $(PLAYBOOK) playbooks/history.yml $(ARGS)

.PHONY: status
status: venv ## One table of the fleet; fails when something is wrong with it
	@$(PLAYBOOK) playbooks/status.yml $(ARGS)

.PHONY: url
url: venv ## Print the application's base URL
	@python -m fleet url --inventory $(INVENTORY)

.PHONY: shell
shell: venv ## Open a nameko shell on the fleet: n.rpc.greeting_service.hello(name='world')
	@python -m fleet shell --inventory $(INVENTORY)

.PHONY: down
down: venv ## Stop the lab's hosts, keeping their disks
	@python -m lab --inventory $(INVENTORY) down

.PHONY: destroy
destroy: venv ## Remove the lab from this machine
	@python -m lab --inventory $(INVENTORY) destroy

##### Services

.PHONY: release
release: venv ## Build the release of SERVICE=name, from services/name or SOURCE=folder, into dist/releases
	@python -m fleet release '$(SERVICE)' $(if $(SOURCE),--source '$(SOURCE)')

.PHONY: run
run: venv ## Run SERVICE=name alone on this machine, on its own RabbitMQ and Redis (PORT=8000 for HTTP)
	@python -m fleet run '$(SERVICE)'

.PHONY: releases
releases: venv ## Build every release that the catalogue names and services/ has the source of
	@python -m fleet releases

.PHONY: contract
contract: venv ## Tell whether NEW=release or source can serve beside OLD (airports-1.0.0, services/airports)
	@python -m fleet contract '$(OLD)' '$(NEW)'

.PHONY: secrets
secrets: venv ## Generate the passwords that SECRETS lacks
	@python -m fleet secrets '$(SECRETS)'

##### Checks

.PHONY: lint
lint: venv ## Check style and likely mistakes, the fastest tool first
	@ruff check .
	@ruff format --check .
	@yamllint --strict .
	@ansible-lint --offline

.PHONY: test-fast
test-fast: lint ## All that needs neither root nor hosts (but Redis, RabbitMQ and HAProxy, which root gets installed)
	@scripts/test-daemons
	@$(PYTEST) -m 'not lab and not long'

.PHONY: test
test: test-fast up ## Everything once, on the lab's hosts (root, under 40 minutes)
	@$(PYTEST) -m 'lab and not long'

.PHONY: test-full
test-full: test-fast up ## Every case that there is (root, hours)
	@$(PYTEST) -m 'lab or long'

.PHONY: bench
bench: venv ## Compare with peers on the lab, into bench/results (BENCH=growth or soak; FIGURES='up restore grow memory roll')
	@python -m bench $(if $(FIGURES),figures $(FIGURES),$(or $(BENCH),rpc))

##### Housekeeping

.PHONY: lock
lock: venv ## Bring all requirements.lock up to what is asked for; UPGRADE=1 takes newer versions too
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade) --output-file requirements.lock requirements.in
	@python -m fleet lock $(if $(UPGRADE),--upgrade)
	@python -m bench lock $(if $(UPGRADE),--upgrade)

.PHONY: clean
clean: ## Remove what make can make again: .venv, .cache and test results (not releases, secrets or the lab)
	@rm -rf .venv .cache test-results
