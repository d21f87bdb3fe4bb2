#!/usr/bin/env bash
# Molecule scenarios, two at a time, each lane in a lab of its own: they wait more than they work. The log of each is shown when it ends.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
logs=.lab/scenarios
labs=(test test2)

if [[ ${1:-} == --one ]]; then
  log=$logs/$2.log
  begin=$SECONDS
  echo "==> scenario $2 begins"
  code=0
  SCENARIO_LAB=${labs[LANE]} molecule test --scenario-name "$2" >"$log" 2>&1 || code=$?
  exec 9>"$logs/shown"
  flock 9
  cat "$log"
  echo "==> scenario $2 ended with $code after $((SECONDS - begin)) s"
  exit "$((code > 0))"
fi

mkdir -p "$logs"
printf '%s\n' "$@" | xargs --max-procs=${#labs[@]} --process-slot-var=LANE --max-args=1 "${BASH_SOURCE[0]}" --one
