#!/bin/sh
# Run by Keepalived where the VIP leads to the host's own node. Fails unless that node is in a Primary Component and, as far as anybody
# tells, of the latest branch of its cluster. A node of an abandoned branch that somebody starts by hand is Primary and Synced by itself:
#   - its start script left the mark `fenced` when it found the later branch, or
#   - another node is Primary in a later generation of the cluster (wsrep_cluster_name: NAME, then NAME.2a, NAME.3b), or
#   - one was so at an earlier time. The UUID of the branch is remembered, since the others may be down by now.
# Usage: branch.sh CLUSTER FENCED SECONDS
# SECONDS are the own node's to answer. The others, which stand in the file branch.others as HOST:PORT, have one each, all at the same
# time, and one that is silent tells nothing. Not arguments: Keepalived gives up the VIP for a moment when those change.
set -eu
# Keepalived's own would make directories that nobody may enter.
umask 077
cluster=$1 fenced=$2 patience=$3
# Unit tests have directories of their own.
settings=${GALERA_BRANCH_ROOT:-}/etc/keepalived/conf.d
abandoned=${GALERA_BRANCH_ROOT:-}/var/lib/galera-abandoned

# ask SECONDS [OPTION...]: prints a node's group and UUID if it is in a Primary Component, as the option file asks.
ask() {
  seconds=$1
  shift
  timeout -s KILL "$seconds" mariadb --defaults-file="$settings/branch.cnf" "$@" 2>/dev/null
}

# generation GROUP: 0 for the group of another cluster.
generation() {
  number=${1##*.}
  case $1 in
    "$cluster") echo 1 ;;
    "$cluster.${number}") echo "${number%[a-z]}" | grep -x '[0-9][0-9]*' || echo 0 ;;
    *) echo 0 ;;
  esac
}

if [ -e "$fenced" ]; then
  echo "this host's node is fenced: a later branch of $cluster was found"
  exit 1
fi

own=$(ask "$patience") || exit 1
[ -n "$own" ] || exit 1
group=${own% *} uuid=${own##* }
if [ -e "$abandoned/$uuid" ]; then
  echo "this host's node is of an abandoned branch, $group: $(cat "$abandoned/$uuid")"
  exit 1
fi

others=$(
  while read -r place; do
    ask 1 --protocol=tcp --host="${place%:*}" --port="${place##*:}" </dev/null | sed "s/$/ $place/" &
  done <"$settings/branch.others"
  wait
)
echo "$others" | while read -r other _ place; do
  if [ "$(generation "$other")" -gt "$(generation "$group")" ]; then
    mkdir -p "$abandoned"
    echo "$place is Primary in group $other" >"$abandoned/$uuid"
    echo "this host's node is of an abandoned branch, $group: $place is Primary in group $other"
    exit 1
  fi
done
