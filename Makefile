# Everything is set up by these targets; Python 3.11+, git and make are all that has to be there.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
export LAB ?= lab
INVENTORY = .lab/$(LAB)/inventory
# The reference architecture needs images of Weave, which are not to be had everywhere.
SCENARIOS = default interrupted arbitrator role_docker_host \
	$(shell grep -q '^lab_weave_images: .*weave:' .lab/images.yml 2>/dev/null && echo reference)
# Failures and the verbs of daily life; an hour and more, so not part of make test.
OPERATIONS = operate repair failover faults mistakes upgrade scale backup drill

.PHONY: help lab lab-down site status sql test lint sanity unit model contract scenario scenarios operations bench engine images clean

help: ## these lines
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

.venv/ready: requirements.txt requirements-dev.txt constraints.txt
	@echo "==> virtual environment (.venv), a minute or two"
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	@python3 -m venv .venv
	@.venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt -r requirements-dev.txt
	@tests/link-collection.sh
	@touch $@

engine: .venv/ready
	@lab/engine.sh

images: engine ## build or fetch the lab's images
	@lab/images/build.sh

lab: engine ## three Docker hosts on this machine, and a highly available database on them
	@lab/up.sh

lab-down: .venv/ready ## remove the lab: hosts, volumes, network, keys, secrets
	@ansible-playbook -i localhost, lab/destroy.yml
	@lab/engine.sh stop

site: .venv/ready ## run site on the lab (again)
	@ansible-playbook -i $(INVENTORY) playbooks/site.yml

status: .venv/ready ## the cluster's state as a table
	@ansible-playbook -i $(INVENTORY) playbooks/status.yml

sql: .venv/ready ## a client through the VIP
	@lab/sql.sh $(LAB)

lint: .venv/ready ## yamllint, ansible-lint, ruff, mypy, shellcheck, changelog
	@tests/lint.sh

sanity: .venv/ready ## ansible-test sanity
	@tests/sanity.sh

unit: .venv/ready ## unit tests
	@pytest tests/unit

model: .venv/ready ## ten thousand rows of verbs, mistakes and faults in a simulated cluster; some minutes
	@MODEL_EXAMPLES=10000 pytest tests/unit/model

contract: .venv/ready ## proxysql_admin against a double, and against a real ProxySQL where there is one
	@pytest tests/contract

scenario: images ## one Molecule scenario: make scenario NAME=default
	@molecule test --scenario-name $(NAME)

scenarios: images
	@tests/scenarios.sh $(SCENARIOS)

operations: images ## the scenarios of failures, operation, upgrade, scaling and backups, two at a time
	@tests/scenarios.sh $(OPERATIONS)

test: lint sanity unit contract scenarios ## everything, on a machine with nothing but Python, git and make

bench: images ## ratios: site by hand, verbs under load, recover, proxysql_admin, and backup, restore and drill of 2 GB
	@tests/bench/proxysql_admin.py
	@tests/bench/run.sh
	@tests/bench/lab.sh tests/e2e/bench
	@RECOVERY=yes tests/bench/lab.sh tests/e2e/bench_backup

clean: lab-down ## also remove the virtual environment and what was built
	@rm -rf .venv .ansible .lab
