#!/usr/bin/env bash
# The reference's commands by hand against site, on the same prepared hosts with images loaded; and site's second run against its
# first. Figures are ratios within this one run.
set -euo pipefail
cd "$(dirname "$0")/../.."
export LAB=test
inventory=.lab/test/inventory

play() { ansible-playbook -i "$inventory" "$@" >>.lab/bench.log 2>&1 || { tail -n 40 .lab/bench.log >&2; exit 1; }; }
timed() { # timed NAME COMMAND...: sets the variable NAME to the seconds that the command took
  local -n result=$1
  local begin=$EPOCHREALTIME
  "${@:2}"
  result=$(awk -v a="$EPOCHREALTIME" -v b="$begin" 'BEGIN { printf "%.1f", a - b }')
  echo "  $1: $result s"
}
by_hand() { tests/bench/by-hand.sh >>.lab/bench.log 2>&1 || { tail -n 40 .lab/bench.log >&2; exit 1; }; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

: >.lab/bench.log
echo "==> three hosts, with Engine and images"
ansible-playbook -i localhost, lab/destroy.yml >>.lab/bench.log 2>&1
ansible-playbook -i localhost, lab/create.yml >>.lab/bench.log 2>&1
timed prepare play lab/prepare.yml
echo "==> by hand, and away with it"
timed hand by_hand
play tests/bench/wipe.yml
echo "==> site, twice"
ANSIBLE_CALLBACKS_ENABLED=ansible.posix.profile_tasks timed first play playbooks/site.yml
timed second play playbooks/site.yml
echo "==> where the first run's time went"
grep -A 12 'TASKS RECAP' .lab/bench.log | tail -n +4 | head -n 9
ansible-playbook -i localhost, lab/destroy.yml >>.lab/bench.log 2>&1

# shellcheck disable=SC2154 # set by timed
cat <<EOF
site / by hand           $(ratio "$first" "$hand")   (aim: at most 1.0)
second run / first run   $(ratio "$second" "$(awk -v a="$first" -v b="$prepare" 'BEGIN { print a + b }')")   (aim: at most 0.15; the first run from empty hosts)
second run / first run   $(ratio "$second" "$first")   (on prepared hosts)
EOF
