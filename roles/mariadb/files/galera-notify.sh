#!/bin/bash
# The server runs this at each change of its view, and when it becomes a donor (wsrep_notify_cmd), and waits for it: so what has not
# changed is not written again. It is not run for a joiner before that has its state.
#
# Beside the socket: a mark says that the node is in no Primary Component, and stays when the node ends like that: its last view on disk is
# not the cluster's last then. The first Primary Component also ends what galera-start keeps for a joiner. See
# docs/decisions/0008-failure-detection.md.
# In the node's record, which containers of before do not have: who was in the branch's Primary Components, its UUID, that the node had
# data, and the last 200 of its Primary Components, the newest last. Where none of the nodes that it is to join was in its last one, it went
# on apart, under the same UUID and the same sequence numbers.
set -euo pipefail

root=${GALERA_START_ROOT:-}
run=$root/run/mysqld record=$root/var/lib/galera-node
status='' primary='' index=-1 uuid='' members=''
while (($# > 1)); do
  case $1 in
    --status) status=$2 ;;
    --primary) primary=$2 ;;
    --index) index=$2 ;;
    --uuid) uuid=$2 ;;
    # UUID/name/address of each, with commas between them.
    --members) members=$2 ;;
  esac
  shift 2
done

# keep FILE TEXT: writes a file of the record at once, or not at all, unless it has this text.
keep() {
  [[ ! -e $1 || $(<"$1") != "${2%$'\n'}" ]] || return 0
  printf %s "$2" >"$1.new"
  sync "$1.new"
  mv "$1.new" "$1"
  sync "$record"
}

# views ID: the history of Primary Components with this one at its end.
views() {
  local before=''
  [[ ! -e $record/views ]] || before=$(tail -n 199 "$record/views")
  [[ ${before##*$'\n'} == "$1" ]] && printf '%s\n' "$before" || printf '%s\n' ${before:+"$before"} "$1"
}

if [[ $primary == yes ]]; then
  rm -f "$run/non-primary" "$run/joining" "$run/gvwstate.dat"
elif [[ $primary == no ]]; then
  touch "$run/non-primary"
  sync "$run/non-primary" "$run"
fi

# An IST brings the views of the past, too, in which this node has no index: who was in those may have been removed since.
if [[ $primary == yes ]] && ((index >= 0)); then
  rm -f "$run/held-view"
  if [[ -d $record ]]; then
    rm -f "$record/held-view"
    names=$(
      { cat "$record/members" 2>/dev/null || true; tr , '\n' <<<"$members" | cut -d / -f 2; } | grep . | sort -u || true
    )
    keep "$record/members" "$names"$'\n'
    if [[ $uuid != 00000000-* ]]; then
      keep "$record/uuid" "$uuid"$'\n'
      # Each life of a server has another UUID in the group, and every member tells the same ones.
      id=$({ echo "$uuid"; tr , '\n' <<<"$members" | cut -d / -f 1 | sort; } | sha256sum | cut -c 1-16)
      keep "$record/views" "$(views "$id")"$'\n'
    fi
  fi
fi
if [[ $status == synced && -d $record && ! -e $record/had-data ]]; then
  keep "$record/had-data" ''
fi
