#!/usr/bin/env bash
# The day-2 verbs under load, on a lab of their own. Figures are ratios within this one run.
set -euo pipefail
cd "$(dirname "$0")/../.."
export LAB=test
log=.lab/bench-verbs.log

quietly() { "$@" >"$log" 2>&1 || { tail -n 40 "$log" >&2; exit 1; }; }
echo "==> three hosts and site"
quietly ansible-playbook -i localhost, lab/destroy.yml
quietly ansible-playbook -i localhost, lab/create.yml
quietly ansible-playbook -i .lab/test/inventory playbooks/site.yml
echo "==> verbs under load"
pytest -q tests/e2e/bench
quietly ansible-playbook -i localhost, lab/destroy.yml
