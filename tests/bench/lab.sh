#!/usr/bin/env bash
# Benches that need a cluster, on a lab of their own: lab.sh DIRECTORY, with RECOVERY=yes for a fourth host. Figures are ratios within one run.
set -euo pipefail
cd "$(dirname "$0")/../.."
export LAB=test
log=.lab/bench-$(basename "$1").log

quietly() { "$@" >"$log" 2>&1 || { tail -n 40 "$log" >&2; exit 1; }; }
echo "==> $1: a lab and site"
quietly ansible-playbook -i localhost, lab/destroy.yml
quietly ansible-playbook -i localhost, lab/create.yml
quietly ansible-playbook -i .lab/test/inventory playbooks/site.yml
pytest -q "$1"
quietly ansible-playbook -i localhost, lab/destroy.yml
