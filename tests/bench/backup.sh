#!/usr/bin/env bash
# Backup, restore and drill of 2 GB, on a lab of their own. Figures are ratios within this one run.
set -euo pipefail
cd "$(dirname "$0")/../.."
export LAB=test RECOVERY=yes
log=.lab/bench-backup.log

quietly() { "$@" >"$log" 2>&1 || { tail -n 40 "$log" >&2; exit 1; }; }
echo "==> three hosts, one for the backups, and site"
quietly ansible-playbook -i localhost, lab/destroy.yml
quietly ansible-playbook -i localhost, lab/create.yml
quietly ansible-playbook -i .lab/test/inventory playbooks/site.yml
echo "==> backup, restore and drill of 2 GB"
pytest -q tests/e2e/bench_backup
quietly ansible-playbook -i localhost, lab/destroy.yml
