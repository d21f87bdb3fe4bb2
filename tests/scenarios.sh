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
  ((code == 0)) || echo "$2" >>"$logs/failed"
  exit "$((code > 0))"
fi

mkdir -p "$logs"
rm -f "$logs/failed"
code=0
printf '%s\n' "$@" | xargs --max-procs=${#labs[@]} --process-slot-var=LANE --max-args=1 "${BASH_SOURCE[0]}" --one || code=$?
# The end of a long log is what people see first.
[[ ! -f $logs/failed ]] || while read -r name; do
  echo "==> scenario $name failed ($logs/$name.log):"
  grep -aE 'fatal:|FAILED|^[^a-z]*E  ' "$logs/$name.log" | cut -c 1-300 | tail -n 20 || true
done <"$logs/failed"
exit "$code"
